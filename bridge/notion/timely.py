"""A look at the clock between the decision to send and the sending itself, as near to the socket as Python comes.

Whoever checks that a write may be made and then makes it can be stopped in between, for longer than the lock lasts that
was checked. Most of that gap is in the libraries that make bytes of a request, and in the socket: one with a timeout
first waits until it may be written to, and then for the interpreter. The look at the clock comes after all of that.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any

import requests.adapters
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class TimelyAdapter(requests.adapters.HTTPAdapter):
    """Calls `in_time` right before bytes leave; what that raises calls them off, and ends the connection."""

    def __init__(self, in_time: Callable[[], None]) -> None:
        self._pools = _pools(in_time)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> PoolManager:
        """Behind a proxy (HTTPS_PROXY) connections come from another manager."""
        manager: PoolManager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(in_time: Callable[[], None]) -> dict[str, type[HTTPConnectionPool]]:
    class Connection(HTTPConnection):
        def send(self, data: Any) -> None:
            rest = _sent_at_once(self, data, in_time)
            if rest:
                in_time()
                super().send(rest)

    class SecureConnection(Connection, HTTPSConnection):
        """The same; `send` goes on to that of HTTPSConnection."""

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": Pool, "https": SecurePool}


def _sent_at_once(connection: HTTPConnection, data: Any, in_time: Callable[[], None]) -> Any:
    """Sends what the socket takes without a wait; what is left. Half a request is none."""
    if connection.sock is None:
        connection.connect()
    sock: socket.socket | None = connection.sock
    if sock is None or not isinstance(data, bytes):
        return data
    patience = sock.gettimeout()
    sock.settimeout(0)
    try:
        in_time()
        taken = sock.send(data)
    except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
        taken = 0
    finally:
        sock.settimeout(patience)
    return data[taken:]
