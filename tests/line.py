"""A TCP line to a server that can be cut, slowed down or made deaf at the worst moment."""

from __future__ import annotations

import enum
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_CHUNK = 65536
_READY = b"Z\0\0\0\5"  # PostgreSQL's ReadyForQuery; the state of the transaction follows
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


class Fate(enum.Enum):
    """What happens to the message that contains the awaited bytes, and to its connection."""

    DELIVERED = "the server gets it, its answer is lost"
    LOST = "the server does not get it"
    HELD = "the line goes silent, and both ends believe that it lives"


@dataclass(eq=False, slots=True)
class _Call:
    """One connection."""

    client: socket.socket
    server: socket.socket
    muted: bool = False  # the next answer is the one that gets lost
    deaf: bool = False  # whatever is said vanishes
    left: int | None = None  # bytes of answers until it is cut

    def end(self) -> None:
        _end(self.client)
        _end(self.server)


class Line:
    """Forwards connections to a server. `address` is where it listens; what it is told holds for new connections,
    too, until `heal`."""

    def __init__(self, server: tuple[str, int], answered: Callable[[bytes], bool], dsn: str = "") -> None:
        self._server = server
        self._dsn = dsn
        self._answered = answered
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._awaited: list[tuple[bytes, Fate]] = []
        self._calls: list[_Call] = []
        self._threads: list[threading.Thread] = []
        self._stopped = self._deaf = False
        self._lock = threading.Lock()
        self._under_way = 0
        self._gate: tuple[bytes, ...] = ()
        self._open = threading.Event()
        self.delay = 0.0  # seconds, for each piece of a message
        self.held = 0  # HTTP requests that have come in whole since `hold`, and wait
        self.happened = threading.Event()
        self.refused = threading.Event()
        self.heard: list[bytes] = []  # the first bytes of what clients have sent

    @classmethod
    def to_postgres(cls, dsn: str) -> Line:
        parts = conninfo_to_dict(dsn)
        return cls((str(parts["host"]), int(str(parts["port"]))), lambda data: data[-6:-1] == _READY, dsn)

    @classmethod
    def to_http(cls, url: str) -> Line:
        parts = urlsplit(url)
        return cls((str(parts.hostname), int(parts.port or 80)), bool)  # it answers when it has done everything

    @property
    def dsn(self) -> str:
        """The database through this line."""
        return make_conninfo(self._dsn, host=self.address[0], port=self.address[1])

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    # What goes wrong

    def on(self, needle: bytes, fate: Fate) -> None:
        """Once, for the next message that contains the bytes."""
        self.happened.clear()
        self._awaited.append((needle, fate))

    def stop(self) -> None:
        """Every connection is reset, and so is every new one."""
        self._stopped = True
        self.cut()

    def cut(self) -> None:
        """Every connection is lost; a new one is a good one."""
        for call in list(self._calls):
            call.end()

    def cut_after(self, size: int) -> None:
        """Every connection is lost when its server has said so many more bytes."""
        for call in list(self._calls):
            call.left = size

    def deafen(self) -> None:
        """Packets vanish in both directions, and nobody is told."""
        self._deaf = True
        for call in list(self._calls):
            call.deaf = True

    def heal(self) -> None:
        """New connections are good ones. One that has gone deaf stays it: the network has forgotten it."""
        self._stopped = self._deaf = False
        self.delay = 0.0
        self._awaited.clear()

    def hold(self, *beginnings: bytes) -> None:
        """HTTP requests that begin so wait on the line, whole, until `release`."""
        self._open.clear()
        self._gate, self.held = beginnings, 0

    def release(self) -> None:
        self._gate = ()
        self._open.set()

    def idle(self) -> bool:
        """Whether everything that was said has been passed on."""
        return self._under_way == 0

    # The way of the bytes

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _end(self._listener)
        self.release()
        for call in self._calls:
            call.end()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    if self._stopped:
                        raise ConnectionRefusedError
                    server = socket.create_connection(self._server)
                except OSError:
                    self.refused.set()
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    client.close()
                    continue
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                call = _Call(client, server, deaf=self._deaf)
                self._calls.append(call)
                self._start(lambda call=call: self._forward(call))  # type: ignore[misc]
                self._start(lambda call=call: self._answer(call))  # type: ignore[misc]

    def _forward(self, call: _Call) -> None:
        with suppress(OSError):
            while data := call.client.recv(_CHUNK):
                with self._lock:
                    self._under_way += 1
                try:
                    self.heard.append(data[:200])
                    if self._gate and data.startswith(self._gate):
                        data = _whole(call.client, data)
                        with self._lock:
                            self.held += 1
                        self._open.wait()
                    if not self._pass_on(call, data):
                        return
                finally:
                    with self._lock:
                        self._under_way -= 1
        if not call.deaf:
            with suppress(OSError):
                call.server.shutdown(socket.SHUT_WR)

    def _pass_on(self, call: _Call, data: bytes) -> bool:
        """Whether there is still a connection."""
        time.sleep(self.delay)
        if call.deaf:
            return True
        fate = self._fate_of(data)
        if fate is Fate.LOST:
            call.end()
        else:
            call.deaf = fate is Fate.HELD
            call.muted |= fate is Fate.DELIVERED
            if not call.deaf:
                call.server.sendall(data)
        if fate is not None:
            self.happened.set()
        return fate is not Fate.LOST

    def _fate_of(self, data: bytes) -> Fate | None:
        for awaited in self._awaited:
            if awaited[0] in data:
                self._awaited.remove(awaited)
                return awaited[1]
        return None

    def _answer(self, call: _Call) -> None:
        with suppress(OSError):
            while data := call.server.recv(_CHUNK):
                time.sleep(self.delay)
                if call.deaf:
                    continue
                if call.muted:
                    if self._answered(data):
                        break
                    continue
                if call.left is not None:
                    data, call.left = data[: call.left], call.left - len(data)
                call.client.sendall(data)
                if call.left is not None and call.left <= 0:
                    break
        if not call.deaf:
            call.end()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()


def _whole(client: socket.socket, data: bytes) -> bytes:
    """An HTTP request with all of its body, which the client may send apart from the head."""
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if found and (length is None or len(body) >= int(length[1])):
            return data
        more = client.recv(_CHUNK)
        if not more:
            return data
        data += more


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
