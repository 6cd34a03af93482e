"""One HTTP exchange with Notion: what was sent, whether it may have arrived, what came back.

Everything that can go wrong between two machines is turned into two words here: `NotSent` (certainly not
applied) and `Ambiguous` (perhaps applied). When in doubt it is `Ambiguous`; only what happens before the
first byte of a request can leave is `NotSent`.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests
import requests.adapters
import requests.auth
import urllib3.exceptions

from bridge.clock import Clock
from bridge.crashpoints import CrashPoint, crash_point
from bridge.errors import ConfigError, SetupError
from bridge.notion.errors import Ambiguous, Answer, NotSent
from bridge.notion.timely import TimelyAdapter
from bridge.values.weight import encoded

API_VERSION = "2026-03-11"
_CONNECT_TIMEOUT = 10.0
# Notion gives up on a request after 60 s and says 503; whether a write was made is worth waiting for that answer.
_WRITE_PATIENCE = 65.0
_READ_PATIENCE = 30.0  # a read is simply asked again
_BODY_DEADLINE = 90.0  # seconds for the whole answer: the read timeout alone lets a slow drip last for ever
_PIECE = 65_536

Params = Sequence[tuple[str, str]]


class Transport:
    """A pool of sessions, one per thread (a requests session is not safe to share). Close it when done."""

    def __init__(
        self,
        base_url: str,
        token: str,
        clock: Clock,
        session: Callable[[], requests.Session] = requests.Session,
    ) -> None:
        self._base = _base(base_url)
        self._auth = _Bearer(token)
        self._clock = clock
        self._new_session = session
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()
        self._waiting: list[float] = []  # when each request was sent that has no answer yet
        self._heard = float("-inf")  # when the last answer began

    def silence(self) -> float:
        """For how many seconds Notion has owed an answer and given none, to any request."""
        with self._lock:
            if not self._waiting:
                return 0.0
            return self._clock.monotonic() - max(min(self._waiting), self._heard)

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        params: Params = (),
        *,
        writes: bool = True,
        not_after: float = float("inf"),
    ) -> Answer:
        """One request, one answer of whatever status. Raises NotSent, Ambiguous, SetupError (bad address).

        What `writes` nothing is given up sooner when no answer comes: asking again does no harm. After the time
        `not_after` (monotonic) no byte of it leaves, however the machine or the process may have been stopped.
        """
        content = None if body is None else encoded(body)
        session = self._session()
        sent = self._clock.monotonic()
        self._local.not_after = not_after
        with self._lock:
            self._waiting.append(sent)
        try:
            with session.request(
                method,
                f"{self._base}/v1/{path}",
                params=list(params),
                data=content,
                headers={"Content-Type": "application/json"} if content is not None else {},
                timeout=(_CONNECT_TIMEOUT, _WRITE_PATIENCE if writes else _READ_PATIENCE),
                allow_redirects=False,  # the token goes to the configured host only
                stream=True,
            ) as response:
                with self._lock:
                    self._heard = self._clock.monotonic()
                received = self._read_written(response, sent) if writes else self._read(response, sent)
                answered = self._clock.monotonic()
                return Answer(method, path, response.status_code, response.headers, received, sent, answered)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise SetupError(
                f"The address of Notion, {self._base}, cannot be used: {error}.",
                hint="Set [notion] base_url to https://api.notion.com",
            ) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            raise self._lost(error, f"{method} {path}") from error
        finally:
            with self._lock:
                self._waiting.remove(sent)

    def close(self) -> None:
        with self._lock:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()
        self._local = threading.local()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._new_session()
            for scheme, adapter in list(session.adapters.items()):
                if type(adapter) is requests.adapters.HTTPAdapter:
                    session.mount(scheme, TimelyAdapter(self._in_time))
            # As auth, not as a header: requests would let a .netrc entry replace a plain Authorization header.
            session.auth = self._auth
            session.headers["Notion-Version"] = API_VERSION
            session.headers["User-Agent"] = "notion-postgres-bridge"
            self._local.session = session
            with self._lock:
                self._sessions.append(session)
        return session

    def _in_time(self) -> None:
        if self._clock.monotonic() > self._local.not_after:
            raise NotSent("The bridge was held up just before a write; it was not sent.")

    def _read(self, response: requests.Response, sent: float) -> bytes:
        """The whole body. `read1` returns what one receive brought, so that the deadline is looked at in between."""
        pieces = []
        while piece := response.raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            if self._clock.monotonic() - sent > _BODY_DEADLINE:
                raise urllib3.exceptions.ProtocolError(f"the answer was not complete after {_BODY_DEADLINE:.0f} s")
        return b"".join(pieces)

    def _read_written(self, response: requests.Response, sent: float) -> bytes:
        with crash_point(CrashPoint.ANSWER_READ):
            return self._read(response, sent)

    def _lost(self, error: Exception, what: str) -> NotSent | Ambiguous:
        if _never_left(error):
            return NotSent(
                f"Notion cannot be reached at {self._base}: {_reason(error)}.",
                hint="Check the network and [notion] base_url; nothing was sent.",
            )
        return Ambiguous(
            f"The connection to Notion broke during {what}: {_reason(error)}.",
            hint="It is unknown whether Notion did it; the bridge looks before it tries again.",
        )


class _Bearer(requests.auth.AuthBase):
    """Puts the token on each request; prints as nothing."""

    def __init__(self, token: str) -> None:
        # http.client would quote an unusable header value, and so the token, in its error.
        if not token or not all("!" <= character <= "~" for character in token):
            raise ConfigError(
                "The Notion token is empty or holds blanks, line breaks or other characters that no token has.",
                hint="Set [notion] token, or NOTION_TOKEN, to the integration's secret and nothing else.",
            )
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "<Notion token>"


def _base(url: str) -> str:
    base = url.strip().rstrip("/").removesuffix("/v1").rstrip("/")
    if not base.startswith(("https://", "http://")):
        raise ConfigError(
            f"The address of Notion, {url!r}, does not start with https:// or http://.",
            hint="Set [notion] base_url to https://api.notion.com",
        )
    return base


def _never_left(error: BaseException) -> bool:
    """Whether it failed before a byte of the request was sent: no name, no route, refused, no trust."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    if not isinstance(error, requests.exceptions.ConnectionError) or not error.args:
        return False
    cause = getattr(error.args[0], "reason", None)
    if isinstance(cause, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
        return True  # a failed name look-up is a NewConnectionError too
    return isinstance(cause, urllib3.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(cause)


def _reason(error: BaseException) -> str:
    """The innermost cause in words: the outer ones only repeat addresses and object names."""
    inner: BaseException = error
    for argument in (error.args[0] if error.args else None,):
        cause = getattr(argument, "reason", argument)
        inner = cause if isinstance(cause, BaseException) else error
    return str(inner).rpartition(": ")[2].strip() or type(inner).__name__
