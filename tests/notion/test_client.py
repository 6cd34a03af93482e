"""Proves over real sockets that every way a request can end is given its right name, above all whether it may have
been applied; that only what is safe to repeat is repeated; and that the token goes nowhere but to the server."""

from __future__ import annotations

import gzip
import random
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path

import pytest

from bridge.clock import CommonClock
from bridge.errors import BridgeError, ConfigError, SetupError
from bridge.notion.client import NotionClient
from bridge.notion.errors import (
    AccessDenied,
    Ambiguous,
    Conflict,
    Invalid,
    NotFound,
    NotSent,
    Paused,
    RateLimited,
)
from bridge.notion.limiter import Limiter
from tests.notion.clocks import SkippingClock
from tests.notion.raw_server import RESET, RawServer, response

TOKEN = "ntn_very_secret"
ME = b'{"object":"user","id":"me"}'
OK = response(200, ME)


@contextmanager
def client_at(url: str, clock: SkippingClock, token: str = TOKEN) -> Iterator[NotionClient]:
    limiter = Limiter(clock, 1000, rng=random.Random(1))
    client = NotionClient(token, limiter=limiter, clock=CommonClock(clock), base_url=url, rng=random.Random(1))
    try:
        yield client
    finally:
        client.close()


def read(client: NotionClient) -> object:
    return client.me().body


def query(client: NotionClient) -> object:
    return client.query("id", {}).body


def create(client: NotionClient) -> object:
    return client.create_page({"properties": {}}).body


def update(client: NotionClient) -> object:
    return client.update_page("id", {"properties": {}}).body


Call = Callable[[NotionClient], object]
READS: list[Call] = [read, query]
WRITES: list[Call] = [create, update]
BROKEN = {
    "reset": RESET,
    "cut off": response(200, b'{"object":"us', length=500),
    "cut off without a length": b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"object":"us',
    "cut off in the headers": b"HTTP/1.1 200 OK\r\nContent-Le",
    "cut off chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
    "empty": response(200, b""),
    "a web page": response(200, b"<html><title>Hello</title></html>"),
    "no object": response(200, b"[1, 2]"),
    "another's object": response(200, b'{"status":"ok"}'),
    "an error that is called success": response(200, b'{"object":"error","code":"x"}'),
    "bad gzip": response(200, b"not gzip", "Content-Encoding: gzip\r\n"),
    "not HTTP": b"220 smtp.example.com ready\r\n\r\n",
    "500": response(500, b'{"code":"internal_server_error","message":"x"}'),
    "502 web page": response(502, b"<html><h1>Bad gateway</h1></html>"),
    "503": response(503, b'{"code":"service_unavailable","message":"x"}'),
    "504 empty": response(504, b""),
    # What gateways refuse by themselves, or give up waiting for.
    "400 web page": response(400, b"<html><title>400 Bad Request</title></html>"),
    "408 empty": response(408, b""),
    "425 empty": response(425, b""),
    "499 another's object": response(499, b'{"error":"client closed request"}'),
}


@pytest.mark.parametrize("broken", list(BROKEN))
@pytest.mark.parametrize("call", WRITES)
def test_a_write_that_breaks_off_is_ambiguous_and_sent_once(call: Call, broken: str, clock: SkippingClock) -> None:
    with RawServer([BROKEN[broken], OK]) as server, client_at(server.url, clock) as client:
        with pytest.raises(Ambiguous):
            call(client)
        assert len(server.requests) == 1


@pytest.mark.parametrize("broken", list(BROKEN))
@pytest.mark.parametrize("call", READS)
def test_a_read_that_breaks_off_is_asked_again(call: Call, broken: str, clock: SkippingClock) -> None:
    with RawServer([BROKEN[broken], BROKEN[broken], OK]) as server, client_at(server.url, clock) as client:
        assert call(client) == {"object": "user", "id": "me"}
        assert len(server.requests) == 3
    assert len(clock.slept) == 2
    assert 0 < clock.slept[0] < clock.slept[1] * 2.1


def test_each_further_try_of_a_read_waits_longer(clock: SkippingClock) -> None:
    with RawServer([*[BROKEN["503"]] * 4, OK]) as server, client_at(server.url, clock) as client:
        read(client)
    for slept, longest in zip(clock.slept, (0.5, 1.0, 2.0, 4.0), strict=True):
        assert longest / 2 <= slept <= longest


def test_a_read_is_not_asked_again_for_ever(clock: SkippingClock) -> None:
    with RawServer([BROKEN["503"]]) as server, client_at(server.url, clock) as client:
        with pytest.raises(Ambiguous, match="503"):
            read(client)
        assert len(server.requests) == 5


@pytest.mark.parametrize("call", READS + WRITES)
def test_a_refused_connection_was_certainly_not_sent(call: Call, clock: SkippingClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        client_at(f"http://127.0.0.1:{port}", clock) as client,
        pytest.raises(NotSent, match="cannot be reached"),
    ):
        call(client)


def test_an_unknown_host_was_certainly_not_sent(clock: SkippingClock) -> None:
    with client_at("http://notion.invalid", clock) as client, pytest.raises(NotSent):
        create(client)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "validation_error", Invalid),
        (401, "unauthorized", AccessDenied),
        (403, "restricted_resource", AccessDenied),
        (404, "object_not_found", NotFound),
        (409, "conflict_error", Conflict),
        (409, "row_limit_exceeded", Invalid),
        (413, "", Invalid),
    ],
)
def test_an_error_of_notion_has_its_type_its_words_and_its_request(
    status: int, code: str, kind: type[BridgeError], clock: SkippingClock
) -> None:
    body = f'{{"object":"error","status":{status},"code":"{code}","message":"Its words.","request_id":"req-1"}}'
    with RawServer([response(status, body.encode())]) as server, client_at(server.url, clock) as client:
        with pytest.raises(kind) as caught:
            update(client)
        assert len(server.requests) == 1
    for part in (str(status), "PATCH pages/id", "Its words.", "req-1"):
        assert part in caught.value.message
    assert caught.value.hint


def test_a_plan_without_room_is_told_apart_from_missing_rights(clock: SkippingClock) -> None:
    body = b'{"code":"restricted_resource","message":"x","additional_data":{"block_limit":1000}}'
    with (
        RawServer([response(403, body)]) as server,
        client_at(server.url, clock) as client,
        pytest.raises(AccessDenied) as caught,
    ):
        create(client)
    assert "block limit" in caught.value.hint


def test_a_retired_version_is_told_as_that(clock: SkippingClock) -> None:
    body = b'{"code":"missing_version","message":"Notion-Version header failed validation"}'
    with (
        RawServer([response(400, body)]) as server,
        client_at(server.url, clock) as client,
        pytest.raises(SetupError, match="Notion-Version") as caught,
    ):
        read(client)
    assert "update the bridge" in caught.value.hint


def test_a_503_keeps_the_page_that_it_names(clock: SkippingClock) -> None:
    body = b'{"code":"service_unavailable","message":"x","additional_data":{"committed_resource_id":"page-1"}}'
    with (
        RawServer([response(503, body)]) as server,
        client_at(server.url, clock) as client,
        pytest.raises(Ambiguous) as caught,
    ):
        create(client)
    assert caught.value.committed_resource_id == "page-1"


# Waiting


@pytest.mark.parametrize("status", [429, 529])
@pytest.mark.parametrize("call", READS + WRITES)
def test_throttled_calls_are_repeated_after_the_wait(call: Call, status: int, clock: SkippingClock) -> None:
    throttled = response(status, b"{}", "Retry-After: 40\r\n")
    with RawServer([throttled, OK]) as server, client_at(server.url, clock) as client:
        before = clock.monotonic()
        assert call(client) == {"object": "user", "id": "me"}
        assert clock.monotonic() - before >= 40
        assert len(server.requests) == 2


@pytest.mark.parametrize("said", [None, "0", "-5", "soon", "", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_without_a_sensible_retry_after_it_waits_by_itself(said: str | None, clock: SkippingClock) -> None:
    header = "" if said is None else f"Retry-After: {said}\r\n"
    with RawServer([response(429, b"{}", header), OK]) as server, client_at(server.url, clock) as client:
        before = clock.monotonic()
        read(client)
        assert 1 <= clock.monotonic() - before < 10


def test_a_retry_after_date_is_measured_by_the_servers_own_clock(clock: SkippingClock) -> None:
    server_now = datetime(1999, 1, 1, tzinfo=UTC)
    dates = [format_datetime(server_now + timedelta(seconds=s), usegmt=True) for s in (0, 25)]
    throttled = response(429, b"{}", f"Date: {dates[0]}\r\nRetry-After: {dates[1]}\r\n")
    with RawServer([throttled, OK]) as server, client_at(server.url, clock) as client:
        before = clock.monotonic()
        read(client)
        assert 25 <= clock.monotonic() - before < 35


def test_the_wait_in_the_body_counts_when_the_header_is_missing(clock: SkippingClock) -> None:
    body = b'{"additional_data":{"rate_limit_reason":"public_api_request_rate_limit","retry_after":"33"}}'
    with RawServer([response(429, body), OK]) as server, client_at(server.url, clock) as client:
        before = clock.monotonic()
        read(client)
        assert clock.monotonic() - before >= 33


def test_a_wait_of_an_hour_is_handed_to_the_caller_and_obeyed(clock: SkippingClock) -> None:
    answers = [response(429, b"{}", "Retry-After: 3600\r\n"), OK]
    with RawServer(answers) as server, client_at(server.url, clock) as client:
        with pytest.raises(Paused) as caught:
            create(client)
        assert caught.value.retry_after == pytest.approx(3600, abs=10)
        with pytest.raises(Paused):
            read(client)
        assert len(server.requests) == 1
        clock.advance(3600)
        read(client)


def test_a_storm_of_429_ends_in_an_error_that_says_how_long(clock: SkippingClock) -> None:
    with RawServer([response(429, b"{}", "Retry-After: 7\r\n")]) as server:
        with client_at(server.url, clock) as client:
            with pytest.raises(RateLimited) as caught:
                create(client)
            assert caught.value.retry_after == pytest.approx(7, abs=1)
        assert len(server.requests) == 30


def test_a_block_is_not_waited_for(clock: SkippingClock) -> None:
    body = b'{"additional_data":{"rate_limit_reason":"public_api_request_blocked"}}'
    with RawServer([response(429, body)]) as server, client_at(server.url, clock) as client:
        with pytest.raises(RateLimited):
            read(client)
        assert len(server.requests) == 1


# What goes over the wire


def test_numbers_keep_their_digits(clock: SkippingClock) -> None:
    body = gzip.compress(b'{"object": "x", "n": 0.1000000000000000055511151231257827, "whole": 12345678901234567890}')
    answer = response(200, body, "Content-Encoding: gzip\r\n")
    with RawServer([answer]) as server, client_at(server.url, clock) as client:
        assert read(client) == {
            "object": "x",
            "n": Decimal("0.1000000000000000055511151231257827"),
            "whole": 12345678901234567890,
        }


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_the_address_may_end_as_people_write_it(suffix: str, clock: SkippingClock) -> None:
    with RawServer([OK]) as server, client_at(server.url + suffix, clock) as client:
        read(client)
        assert server.requests[0].startswith(b"GET /v1/users/me HTTP/1.1")


def test_a_request_names_version_and_token(clock: SkippingClock) -> None:
    with RawServer([OK]) as server, client_at(server.url, clock) as client:
        update(client)
    assert b"Notion-Version: 2026-03-11\r\n" in server.requests[0]
    assert b"Authorization: Bearer ntn_very_secret\r\n" in server.requests[0]
    assert server.requests[0].endswith(b'\r\n\r\n{"properties": {}}')


def test_a_netrc_entry_does_not_replace_the_token(
    clock: SkippingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with RawServer([OK]) as server, client_at(server.url, clock) as client:
        read(client)
    assert b"Authorization: Bearer ntn_very_secret\r\n" in server.requests[0]


def test_a_redirect_is_not_followed_with_the_token(clock: SkippingClock) -> None:
    with RawServer([OK]) as elsewhere:
        moved = response(307, b"", f"Location: {elsewhere.url}/v1/users/me\r\n")
        with (
            RawServer([moved]) as server,
            client_at(server.url, clock) as client,
            pytest.raises(SetupError, match="redirect"),
        ):
            read(client)
    assert elsewhere.requests == []


def test_the_token_is_in_no_message_and_no_traceback(clock: SkippingClock) -> None:
    for answer in (*BROKEN.values(), response(401, b'{"message":"no"}')):
        with RawServer([answer]) as server, client_at(server.url, clock) as client:
            with pytest.raises(BridgeError) as caught:
                create(client)
            told = "".join(traceback.format_exception(caught.value)) + str(caught.value) + repr(client)
            assert TOKEN not in told


@pytest.mark.parametrize("token", ["", " ", "ntn_x\n", "ntn x", "ntn_é"])
def test_a_token_that_cannot_be_sent_is_refused_without_being_shown(token: str, clock: SkippingClock) -> None:
    with pytest.raises(ConfigError) as caught, client_at("http://127.0.0.1:9", clock, token):
        pass
    assert not token.strip() or token.strip() not in str(caught.value)


@pytest.mark.parametrize("url", ["api.notion.com", "ftp://api.notion.com", ""])
def test_an_address_without_a_scheme_is_a_configuration_error(url: str, clock: SkippingClock) -> None:
    with pytest.raises(ConfigError, match="https://"), client_at(url, clock):
        pass


# Notion's clock


def test_the_date_header_tells_notions_clock_to_the_second(clock: SkippingClock) -> None:
    said = clock.now().replace(microsecond=0) + timedelta(hours=1)
    answer = response(200, ME, f"Date: {format_datetime(said, usegmt=True)}\r\n")
    common = CommonClock(clock)
    with RawServer([answer]) as server:
        client = NotionClient(
            TOKEN, limiter=Limiter(clock, 100), clock=common, base_url=server.url, rng=random.Random(1)
        )
        client.me()
        client.close()
    low, high = common.notion.bounds()
    offset = said.timestamp() - clock.monotonic()
    assert low <= offset + 1
    assert high >= offset
    assert 1 <= high - low < 5


@pytest.mark.parametrize("header", ["", "Date: yesterday\r\n"])
def test_a_missing_or_broken_date_is_no_clock(header: str, clock: SkippingClock) -> None:
    common = CommonClock(clock)
    with RawServer([response(200, ME, header)]) as server:
        client = NotionClient(TOKEN, limiter=Limiter(clock, 100), clock=common, base_url=server.url)
        client.me()
        client.close()
    assert not common.notion.known


def test_a_body_is_utf_8_and_what_utf_8_does_not_know_is_an_escape() -> None:
    """Notion counts bytes. Half of a surrogate pair can be in what Notion itself once answered."""
    with RawServer([OK]) as server, client_at(server.url, SkippingClock()) as client:
        client.query("id", {"text": "文\U0001f600\ud83d"})
    assert server.requests[0].endswith('{"text": "文\U0001f600'.encode() + b'\\ud83d"}')
