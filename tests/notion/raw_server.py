"""A server of raw bytes: answers each connection's next request with the next script, however broken."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from types import TracebackType

RESET = b"RESET"  # close the connection without an answer


class RawServer:
    """Each request gets the next of `answers` (the last one again and again) and its connection is closed."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = list(answers)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> RawServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A blocked accept() is not woken by close() everywhere; a last connection wakes it.
        self._stopping = True
        with socket.create_connection(self._listener.getsockname()):
            pass
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if self._stopping:
                    return
                self.requests.append(_request(connection))
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if answer != RESET:
                    connection.sendall(answer)


def _request(connection: socket.socket) -> bytes:
    """One request, headers and body."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            while len(body) < int(value):
                body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def response(status: int, body: bytes, headers: str = "", length: int | None = None) -> bytes:
    """An HTTP answer; `length` lies about the body's length."""
    size = len(body) if length is None else length
    # Announced, because a client that reuses a connection just being closed meets a reset that is not in the script.
    head = f"HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {size}\r\n{headers}\r\n"
    return head.encode() + body
