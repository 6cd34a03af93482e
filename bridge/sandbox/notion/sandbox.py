"""The sandbox: a Notion workspace in this process, that answers requests as Notion does."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from bridge.sandbox.notion.bell import Bell
from bridge.sandbox.notion.call import Call
from bridge.sandbox.notion.checks import object_id
from bridge.sandbox.notion.clock import Clock, SystemClock
from bridge.sandbox.notion.cursors import Cursors
from bridge.sandbox.notion.edits import create_page
from bridge.sandbox.notion.errors import NotionError, invalid, invalid_url
from bridge.sandbox.notion.faults import Fault, Faults
from bridge.sandbox.notion.ids import Ids
from bridge.sandbox.notion.log import Entry, Log
from bridge.sandbox.notion.options import Options
from bridge.sandbox.notion.person import Person
from bridge.sandbox.notion.rate import RateLimit, rate_limited
from bridge.sandbox.notion.richtext import from_text
from bridge.sandbox.notion.router import Route, find_route
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import ALL_CAPABILITIES, User, World
from bridge.sandbox.notion.versions import parse_version
from bridge.sandbox.notion.wire import Answer, ConnectionCut, Cut, Request, to_json

DEFAULT_TOKEN = "ntn_sandbox"  # noqa: S105 - it opens nothing but the sandbox
_LATENCY_SPREAD = 0.6255  # of a lognormal whose 99th percentile is 4.3 times its median: 350 ms and 1.5 s
_MAX_BODY = 500_000  # "500 KB", read the way that allows less


@dataclass(slots=True)
class Exchange:
    """A request that has arrived and is not answered yet."""

    request: Request
    entry: Entry
    fault: Fault | None
    refused: NotionError | None
    latency_s: float = 0.0

    @property
    def delay_before_s(self) -> float:
        """Seconds to wait before it is carried out."""
        return self.latency_s / 2 + (self.fault.delay_before_s if self.fault else 0.0)

    @property
    def delay_after_s(self) -> float:
        """Seconds to wait before the answer leaves."""
        return self.latency_s / 2 + (self.fault.delay_after_s if self.fault else 0.0)


class Sandbox:
    """One workspace with its clock, its switches, its script of faults and its log.

    `seed` makes ids and whatever is left to chance repeatable. `monotonic` (seconds) is only used to tell how
    long before a write a page was read. All public methods may be called from any thread.
    """

    def __init__(
        self,
        *,
        options: Options | None = None,
        clock: Clock | None = None,
        seed: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options or Options()
        self.clock = clock or SystemClock()
        self.lock = threading.RLock()
        self.bell = Bell()
        self.faults = Faults()
        self.log = Log()
        self._monotonic = monotonic
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """An empty workspace: one shared page, the default token, no faults, no log. Options and clock stay."""
        with self.changing():
            self._rng = random.Random(self._seed)  # noqa: S311 - a run must be repeatable
            # Its own, so that ids do not depend on whether there is a latency.
            self._latency_rng = random.Random(self._seed)  # noqa: S311 - a run must be repeatable
            self.ids = Ids(self._rng)
            self.cursors = Cursors(self.ids)
            self.rate = RateLimit()
            self.faults.clear()
            self.log.clear()
            self.world = World(self.ids.uuid(), "Sandbox")
            self._persons: dict[str, Person] = {}
            owner = self.person("Owner")
            root = create_page(self.scope(), None, {"title": from_text("Shared with the bridge")}, owner.user.id)
            self.root_page_id = root.id
            self.add_token(DEFAULT_TOKEN, "sandbox bot")

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Holds the lock; who watches is told afterwards, also of what was done before an error."""
        with self.lock:
            try:
                yield
            finally:
                self.bell.ring()

    def scope(self, viewer: User | None = None) -> Scope:
        """The world as a bot sees it, or as a person does (None)."""
        return Scope(self.world, self.options, self.clock, self._rng, self.ids, viewer)

    def add_token(
        self, token: str, name: str, capabilities: frozenset[str] = ALL_CAPABILITIES, *, share_root: bool = True
    ) -> User:
        """One more integration with its own bot; it sees the root page and what is below it."""
        with self.lock:
            bot = User(self.ids.uuid(), name, token=token, capabilities=capabilities)
            self.world.users[bot.id] = bot
            if share_root:
                self.world.sharing[bot.id, self.root_page_id] = True
            return bot

    def bot(self, token: str | None = None) -> User:
        """The bot of a token, by default of the first one; KeyError when there is none."""
        found = self.world.bot(token or DEFAULT_TOKEN)
        if found is None:
            raise KeyError(f"no such token in the sandbox: {token}")
        return found

    def person(self, name: str) -> Person:
        """A human of that name, who joins the workspace when named for the first time."""
        with self.lock:
            if name not in self._persons:
                email = f"{name.lower().replace(' ', '.')}@example.com"
                user = User(self.ids.uuid(), name, email)
                self.world.users[user.id] = user
                self._persons[name] = Person(self, user)
            return self._persons[name]

    def stale(self, page_id: str, seconds: float | None) -> None:
        """Let queries see this page as it was `seconds` ago, whatever `query_lag_s` says; None ends it."""
        with self.lock:
            if seconds is None:
                self.world.stale.pop(page_id, None)
            else:
                self.world.stale[page_id] = seconds

    def handle(self, request: Request, sleep: Callable[[float], None] = time.sleep) -> Answer:
        """Answer a request within this process; ConnectionCut when a fault closes the connection."""
        exchange = self.arrive(request)
        if exchange.delay_before_s:
            sleep(exchange.delay_before_s)
        answer = self.answer(exchange)
        if exchange.delay_after_s:
            sleep(exchange.delay_after_s)
        if answer.cut is not Cut.NO:
            raise ConnectionCut(f"{request.method} {request.path}: the connection was cut by a scripted fault")
        return answer

    def arrive(self, request: Request) -> Exchange:
        """Log a request, count it against the rate limit, and find out what is to go wrong with it."""
        with self.lock:
            bot = self.world.bot(request.token) if request.token else None
            now = self.clock.now()
            entry = self.log.open(
                at=now,
                monotonic=self._monotonic(),
                method=request.method,
                path=request.path,
                query=request.query,
                version=request.headers.get("notion-version"),
                body=_lenient_json(request.body),
                bot_id=bot.id if bot else None,
            )
            options = self.options
            wait_s = self.rate.spend(bot.id, now, options.requests_per_minute, options.request_burst) if bot else None
            refused = None
            if wait_s is not None:
                entry.rate_violation = True
                refused = rate_limited(wait_s) if options.rate_enforced else None
            fault = None if refused else self.faults.take(request)
            entry.fault = fault.name if fault else None
            return Exchange(request, entry, fault, refused, self._latency())

    def _latency(self) -> float:
        median = self.options.latency_s
        return median * self._latency_rng.lognormvariate(0.0, _LATENCY_SPREAD) if median else 0.0

    def answer(self, exchange: Exchange) -> Answer:
        """Carry a request out, or let it fail as scripted."""
        with self.lock:
            request, fault = exchange.request, exchange.fault
            if fault and fault.hook:
                fault.hook(request)
            request_id = self.ids.uuid()
            if fault is not None and not fault.reaches_the_api:
                call, answer = None, fault.answer(None, request_id, None)
            else:
                call, answer = self._carry_out(exchange, request_id)
                # A request that is refused has nothing to hide: the real error is the answer.
                if fault is not None and (answer.status == HTTPStatus.OK or fault.status is None):
                    answer = fault.answer(answer, request_id, call.created if call else None)
            self._note(exchange.entry, call, answer)
            return self._dated(answer)

    def _carry_out(self, exchange: Exchange, request_id: str) -> tuple[Call | None, Answer]:
        call = None
        try:
            if exchange.refused is not None:
                raise exchange.refused
            call, route = self._authorise(exchange.request)
            with self.changing() if route.writes else nullcontext():
                body = route.handler(call) | {"request_id": request_id}
            return call, Answer(200, _headers(request_id), to_json(body))
        except NotionError as error:
            return call, Answer(error.status, _headers(request_id) | error.headers, to_json(error.body(request_id)))

    def _authorise(self, request: Request) -> tuple[Call, Route]:
        """The checks that come before any endpoint, in Notion's order: address, token, version, body."""
        route, params = find_route(request.method, request.path)
        token = request.token
        if token is None:
            text = 'Authorization header must use the format "Bearer <token>".'
            raise NotionError(401, "unauthorized", text if request.headers.get("authorization") else _INVALID)
        bot = self.world.bot(token)
        if bot is None:
            raise NotionError(401, "unauthorized", _INVALID)
        version = parse_version(request.headers.get("notion-version"))
        if not route.exists_in(version):
            raise invalid_url()
        for name, value in params.items():
            if name != "property_id":
                object_id(value, f"path.{name}")
        body = _body(request)
        return Call(self.scope(bot), bot, version, self.cursors, params, request.query, body), route

    def _note(self, entry: Entry, call: Call | None, answer: Answer) -> None:
        """Complete the log entry. Only what the client was really shown counts as read."""
        entry.status = 0 if answer.cut is Cut.INSTEAD else answer.status
        entry.response = None if answer.cut is not Cut.NO else answer.json()
        if call is None:
            return
        if call.written is not None:
            window = self.options.guard_window_s
            entry.noop_patch = call.noop
            entry.unguarded_patch = not self.log.guarded(call.bot.id, call.written, entry.monotonic, window)
        if answer.status == HTTPStatus.OK and answer.cut is Cut.NO:
            self.log.read(call.bot.id, call.seen, self._monotonic())

    def _dated(self, answer: Answer) -> Answer:
        if not self.options.send_date:
            return answer
        date = format_datetime(self.clock.now().astimezone(UTC), usegmt=True)
        return Answer(answer.status, {"date": date, **answer.headers}, answer.body, answer.cut)


_INVALID = "API token is invalid."


def _headers(request_id: str) -> dict[str, str]:
    return {"content-type": "application/json; charset=utf-8", "x-notion-request-id": request_id}


def _body(request: Request) -> dict[str, Any]:
    if request.method in ("GET", "HEAD", "DELETE"):
        return {}
    if len(request.body) > _MAX_BODY:
        raise invalid(f"Request body too large: the limit is {_MAX_BODY} bytes, this one has {len(request.body)}.")
    if not request.body.strip():
        return {}
    try:
        body = json.loads(request.body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise NotionError(400, "invalid_json", "Error parsing JSON body.") from error
    if not isinstance(body, dict):
        raise invalid(f"body failed validation: body should be an object, instead was `{json.dumps(body)}`.")
    return body


def _no_constant(name: str) -> None:
    # Python reads NaN and Infinity; JSON does not have them.
    raise ValueError(f"{name} is not JSON")


def _lenient_json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_no_constant) if body else None
    except (ValueError, RecursionError):
        return None
