"""Proves: of a write that was held up after its check no byte leaves, and what is in time arrives whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import urllib3

from bridge.clock import SystemClock
from bridge.notion.errors import Ambiguous, NotSent
from bridge.notion.timely import _pools
from bridge.notion.transport import Transport
from bridge.sandbox.notion import DEFAULT_TOKEN, Sandbox, SandboxServer
from bridge.values.weight import encoded
from tests.notion.clocks import SkippingClock
from tests.notion.raw_server import RawServer
from tests.notion.test_client import OK, client_at

CERTIFICATE = Path(__file__).parent / "localhost.pem"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def transport(sandbox: Sandbox) -> Iterator[Transport]:
    with SandboxServer(sandbox) as server:
        made = Transport(server.url, DEFAULT_TOKEN, SystemClock())
        yield made
        made.close()


@pytest.fixture
def good_manners() -> None:
    """Not asked here: nobody looks at the page first."""


@pytest.mark.parametrize("warm", [True, False])
def test_nothing_leaves_too_late(transport: Transport, sandbox: Sandbox, warm: bool) -> None:
    if warm:
        transport.send("GET", "users/me")
    before = len(sandbox.log.entries)
    with pytest.raises(NotSent):
        transport.send("PATCH", "pages/x", {"a": 1}, not_after=SystemClock().monotonic() - 0.001)
    assert transport.send("GET", "users/me").status == 200
    assert len(sandbox.log.entries) == before + 1


def test_a_body_that_the_socket_does_not_take_at_once_arrives_whole(transport: Transport, sandbox: Sandbox) -> None:
    text = "x" * 450_000
    transport.send("POST", "search", {"query": text}, not_after=SystemClock().monotonic() + 600)
    assert sandbox.log.entries[-1].body == {"query": text}


def test_a_check_that_took_too_long_is_made_again(clock: SkippingClock) -> None:
    """The process was stopped while it asked: what it reads afterwards was said before."""
    checks: list[float] = []

    def check() -> None:
        checks.append(clock.monotonic())
        if len(checks) == 1:
            clock.advance(30)

    with RawServer([OK]) as server, client_at(server.url, clock) as client:
        client.update_page("id", {"properties": {}}, check=check)
        assert len(server.requests) == 1
    assert len(checks) == 2


def test_what_a_check_has_learned_is_as_old_as_its_question(
    sandbox: Sandbox, clock: SkippingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted from its answer, a write could leave when another bridge has had the lock for a second."""

    def slowly(body: object) -> bytes:
        clock.advance(0.6)
        return encoded(body)

    monkeypatch.setattr("bridge.notion.transport.encoded", slowly)
    with SandboxServer(sandbox) as server, client_at(server.url, clock) as client:
        with pytest.raises(NotSent):
            client.update_page("id", {"properties": {}}, check=lambda: clock.advance(0.7))
        assert sandbox.log.entries == []


def test_the_rest_of_a_request_does_not_leave_too_late_either() -> None:
    """Half a request is none: what counts is when its last byte leaves."""
    in_time = iter((True, False))

    def check() -> None:
        if not next(in_time):
            raise NotSent("too late")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        connection: Any = _pools(check)["http"].ConnectionCls("127.0.0.1", port, timeout=2.0)
        connection.connect()
        with pytest.raises(NotSent):
            connection.send(b"x" * 50_000_000)
        connection.close()


def test_an_answer_that_drips_is_given_up(clock: SkippingClock) -> None:
    """Each piece comes in time, the whole never."""
    pieces: list[bytes] = []

    def drip(*_: object, **__: object) -> bytes:
        clock.advance(29)
        pieces.append(b"x")
        return b"x" if len(pieces) < 40 else b""

    response = requests.Response()
    response.raw = SimpleNamespace(read1=drip)
    transport = Transport("http://localhost", DEFAULT_TOKEN, clock)
    with pytest.raises(urllib3.exceptions.ProtocolError, match="not complete"):
        transport._read(response, clock.monotonic())
    assert len(pieces) == 4
    transport.close()


# The same over TLS, where bytes leave in records of 16 KB, and a send may stop in the middle of one


class Digests(BaseHTTPRequestHandler):
    """Answers with how much came, and the digest of it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(len(body))  # type: ignore[attr-defined]
        answer = json.dumps({"length": len(body), "digest": hashlib.sha256(body).hexdigest()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


class SecureServer(ThreadingHTTPServer):
    """On this machine, with a certificate that only this test trusts, and with little room for what arrives."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Digests, bind_and_activate=False)
        self.seen: list[int] = []
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.server_bind()
        self.server_activate()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self.socket = context.wrap_socket(self.socket, server_side=True)


@pytest.fixture
def secure() -> Iterator[SecureServer]:
    server = SecureServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def secure_transport(secure: SecureServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Transport]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    made = Transport(f"https://localhost:{secure.server_port}", DEFAULT_TOKEN, SystemClock())
    yield made
    made.close()


def test_bodies_of_every_size_arrive_whole_over_tls(secure_transport: Transport, secure: SecureServer) -> None:
    later = SystemClock().monotonic() + 600
    for size in (0, 1, 16_000, 16_384, 16_385, 40_000, 131_072, 1_000_000, 3_000_000):
        body = {"text": "x" * (size // 2) + "ü" * (size // 4)}
        sent = encoded(body)
        answer = secure_transport.send("POST", "pages", body, not_after=later)
        assert json.loads(answer.content) == {"length": len(sent), "digest": hashlib.sha256(sent).hexdigest()}
    assert len(secure.seen) == 9


def nothing_leaves_too_late(transport: Transport, secure: SecureServer, warm: bool) -> None:
    if warm:
        transport.send("POST", "pages", {"a": 1})
    with pytest.raises(NotSent):
        transport.send("POST", "pages", {"a": 2}, not_after=SystemClock().monotonic() - 0.001)
    assert transport.send("POST", "pages", {"a": 3}).status == 200
    assert len(secure.seen) == 1 + warm


@pytest.mark.parametrize("warm", [True, False])
def test_nothing_leaves_too_late_over_tls(secure_transport: Transport, secure: SecureServer, warm: bool) -> None:
    nothing_leaves_too_late(secure_transport, secure, warm)


def test_a_certificate_that_nobody_trusts_ends_before_a_byte_is_sent(secure: SecureServer) -> None:
    transport = Transport(f"https://localhost:{secure.server_port}", DEFAULT_TOKEN, SystemClock())
    with pytest.raises(NotSent, match="cannot be reached"):
        transport.send("POST", "pages", {"a": 1})
    assert secure.seen == []
    transport.close()


class Broken(Digests):
    """Reads the request, and answers with what is no TLS."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with socket.socket(fileno=os.dup(self.connection.fileno())) as bare:
            bare.sendall(b"no record of TLS" * 10)
        self.close_connection = True


def test_tls_that_breaks_after_the_request_leaves_its_outcome_unknown(
    secure_transport: Transport, secure: SecureServer
) -> None:
    secure.RequestHandlerClass = Broken
    with pytest.raises(Ambiguous, match="broke"):
        secure_transport.send("POST", "pages", {"a": 1})


# Behind a proxy


class Tunnel(socketserver.StreamRequestHandler):
    """Carries bytes to where CONNECT asks for, and back."""

    def handle(self) -> None:
        asked = self.rfile.readline().split()
        if not asked:
            return  # not even this was in time
        host, _, port = asked[1].decode().rpartition(":")
        while self.rfile.readline().strip():
            pass
        with socket.create_connection((host, int(port))) as onward:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_carry, args=(onward, self.connection))
            back.start()
            _carry(self.connection, onward)
            back.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):  # who calls a request off cuts the line
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxied(secure_transport: Transport, monkeypatch: pytest.MonkeyPatch) -> Iterator[Transport]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.server_address[1]}")
    yield secure_transport
    secure_transport.close()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("warm", [True, False])
def test_nothing_leaves_too_late_through_a_proxy(proxied: Transport, secure: SecureServer, warm: bool) -> None:
    nothing_leaves_too_late(proxied, secure, warm)
