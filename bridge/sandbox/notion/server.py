"""The sandbox behind a real socket, in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import threading
from types import TracebackType
from typing import Any

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from bridge.sandbox.notion.app import make_app
from bridge.sandbox.notion.sandbox import Sandbox

_START_TIMEOUT_S = 30.0


class _Server(uvicorn.Server):
    """Tells when it accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()


class SandboxServer:
    """Serves a sandbox while the `with` block runs. `url` has no slash at the end; port 0 takes a free one.

    The socket is bound in the constructor, so that a port in use is reported (OSError) where it was asked for.
    """

    def __init__(self, sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> None:
        self.sandbox = sandbox
        self._socket = _listen(host, port)
        bound_port = self._socket.getsockname()[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{bound_port}"
        self._transports: dict[tuple[Any, ...], asyncio.Transport] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="notion-sandbox", daemon=True)

    def __enter__(self) -> SandboxServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve from now on; returns once requests are answered."""
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_S):
            raise RuntimeError(f"the Notion sandbox did not start within {_START_TIMEOUT_S:g} s")
        if self._failure is not None:
            raise RuntimeError(f"the Notion sandbox did not start: {self._failure}") from self._failure

    def stop(self) -> None:
        """Answer what is under way, close every connection, and end the thread."""
        if self._loop is not None and self._stopping is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()

    def join(self) -> None:
        """Wait until the server has ended, which takes a `stop` from another thread."""
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        app = make_app(self.sandbox, self._abort, self._stopping)
        config = uvicorn.Config(
            app,
            http=self._protocol(),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            # The Date header is Notion's clock, which the sandbox plays.
            date_header=False,
            timeout_keep_alive=75,
        )
        server = _Server(config, self._ready)
        serving = asyncio.create_task(server.serve(sockets=[self._socket]))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()
        await serving

    def _protocol(self) -> type[asyncio.Protocol]:
        """uvicorn's protocol, which also tells us its transports: nothing else can cut a connection."""
        transports = self._transports

        class CuttableProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                transports[tuple(self.client or ())] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(tuple(self.client or ()), None)
                super().connection_lost(exc)

        return CuttableProtocol

    def _abort(self, scope: Scope) -> None:
        transport = self._transports.get(tuple(scope["client"] or ()))
        if transport is not None:
            transport.abort()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY; without, each answer waits some 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
