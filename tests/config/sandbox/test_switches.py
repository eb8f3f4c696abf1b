"""Every switch does what it says, to the endpoint that it is meant for, as often as it says."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from config.sandbox.in_process import InProcess
from config.sandbox.line import Ending
from config.sandbox.state import Sandbox
from tests.config.sandbox.caller import TOKEN, Caller, a_statement, an_id
from tests.config.sandbox.clock import StillClock


@pytest.fixture
async def caller(sandbox: Sandbox) -> AsyncIterator[Caller]:
    """Sign in a caller for whom what takes time happens at once."""
    transport = InProcess(sandbox)
    async with httpx.AsyncClient(transport=transport, base_url="http://any", timeout=5) as http:
        caller = Caller(http)
        await caller.sign_in()
        yield caller


@pytest.mark.parametrize("status", [503, 500, 401, 400, 429, 403, 404, 413, 302, 200])
async def test_any_status_can_be_answered(caller: Caller, sandbox: Sandbox, status: int) -> None:
    sandbox.change({"statements": status})

    answer = await caller.post(a_statement())

    assert answer.status_code == status
    assert answer.headers["X-Experience-API-Version"] == "1.0.3"
    assert (sandbox.lrs.held, sandbox.lrs.received, sandbox.lrs.attempts) == (0, 0, 1)


async def test_a_status_without_content_is_answered_without(
    caller: Caller, sandbox: Sandbox
) -> None:
    sandbox.change({"statements": 204})

    assert (await caller.post(a_statement())).content == b""


@pytest.mark.parametrize("wait", [30, "Sun, 01 Mar 2026 13:00:00 GMT"])
async def test_retry_after_and_body_are_answered_as_told(
    caller: Caller, sandbox: Sandbox, wait: int | str
) -> None:
    switch = {"mode": "status", "status": 429, "retryAfter": wait, "body": "later <please>"}
    sandbox.change({"statements": switch})

    answer = await caller.post(a_statement())

    assert answer.headers["Retry-After"] == str(wait)
    assert answer.text == "later <please>"


async def test_a_body_can_be_json(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"token": {"mode": "status", "status": 400, "body": {"error": "odd"}}})

    answer = await caller.fetch_token()

    assert answer.json() == {"error": "odd"}


async def test_endpoints_are_switched_separately(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"token": 503})

    assert (await caller.post(a_statement())).status_code == 200
    assert (await caller.fetch_token()).status_code == 503


async def test_a_switch_goes_back_after_its_times(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"statements": {"mode": "status", "status": 503, "times": 2}})

    statuses = [(await caller.post(a_statement(n))).status_code for n in range(1, 5)]

    assert statuses == [503, 503, 200, 200]
    assert sandbox.state().statements.mode == "ok"


async def test_times_are_counted_in_sight(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"statements": {"mode": "reset", "times": 3}})

    with pytest.raises(httpx.ReadError):
        await caller.post(a_statement())

    assert sandbox.state().statements.times == 2


async def test_a_switch_can_be_for_named_statements_only(caller: Caller, sandbox: Sandbox) -> None:
    only = {"statementIds": [an_id(2).upper()]}
    sandbox.change({"statements": {"mode": "status", "status": 500, "times": 1, "only": only}})

    spared = await caller.post(a_statement(1))
    met = await caller.post(a_statement(2), a_statement(3))
    after = await caller.post(a_statement(2))

    assert [one.status_code for one in (spared, met, after)] == [200, 500, 200]


async def test_a_disliked_statement_spoils_its_batch(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"rejectStatements": [an_id(2).upper()]})

    spoiled = await caller.post(a_statement(1), a_statement(2))
    spared = await caller.post(a_statement(1))

    assert (spoiled.status_code, spared.status_code) == (400, 200)
    assert an_id(2) in spoiled.json()["error"]
    assert sandbox.lrs.ids() == [an_id(1)]


async def test_batches_are_bounded_in_statements(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"maxBatch": 2})

    three = await caller.post(*(a_statement(number) for number in (1, 2, 3)))
    two = await caller.post(*(a_statement(number) for number in (1, 2)))

    assert (three.status_code, two.status_code) == (413, 200)


async def test_bodies_are_bounded_in_bytes(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"maxBody": 400})

    large = await caller.post(a_statement(1), a_statement(2))
    small = await caller.post(a_statement(1))

    assert (large.status_code, small.status_code) == (413, 200)
    assert sandbox.log.entries("statements")[1].ids == (an_id(1), an_id(2))


@pytest.mark.parametrize(
    ("mode", "flaw", "ending"),
    [
        ("silent", httpx.ReadTimeout, Ending.SILENT),
        ("reset", httpx.ReadError, Ending.RESET),
        ("close", httpx.RemoteProtocolError, Ending.CLOSED),
    ],
)
async def test_no_answer_means_nothing_stored(
    caller: Caller, sandbox: Sandbox, mode: str, flaw: type[Exception], ending: Ending
) -> None:
    sandbox.change({"statements": mode})

    with pytest.raises(flaw):
        await caller.post(a_statement())

    (entry, _) = sandbox.log.entries()
    assert (entry.status, entry.ending, entry.ids) == (None, ending, (an_id(),))
    assert sandbox.lrs.held == 0


async def test_an_answer_can_be_lost_by_a_cut(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"statements": "apply_then_reset"})

    with pytest.raises(httpx.ReadError):
        await caller.post(a_statement())

    assert sandbox.lrs.ids() == [an_id()]


async def test_an_answer_can_be_lost_behind_a_503(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"statements": {"mode": "apply_then_503", "retryAfter": 1, "times": 1}})

    lost = await caller.post(a_statement())
    repeated = await caller.post(a_statement())

    assert (lost.status_code, lost.headers["Retry-After"]) == (503, "1")
    assert repeated.status_code == 200
    assert (sandbox.lrs.received, sandbox.lrs.held) == (2, 1)


async def test_a_token_can_be_issued_and_lost(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"token": {"mode": "apply_then_reset", "times": 1}})

    with pytest.raises(httpx.ReadError):
        await caller.fetch_token(grant_type="refresh_token", refresh_token="sandbox-refresh")
    again = await caller.fetch_token(grant_type="refresh_token", refresh_token="sandbox-refresh")

    assert again.json()["error"] == "invalid_grant"
    assert sandbox.oauth.issued == 2


async def test_slowness_within_the_patience_is_only_slow(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"statements": {"mode": "slow", "seconds": 4.9}})

    assert (await caller.post(a_statement())).status_code == 200


async def test_slowness_beyond_the_patience_is_a_lost_answer(
    caller: Caller, sandbox: Sandbox
) -> None:
    sandbox.change({"statements": {"mode": "slow", "seconds": 5}})

    with pytest.raises(httpx.ReadTimeout):
        await caller.post(a_statement())

    assert sandbox.lrs.held == 1


async def test_over_a_plain_transport_a_cut_is_raised_and_silence_lasts(
    stranger: Caller, sandbox: Sandbox
) -> None:
    sandbox.change({"token": "reset", "statements": "silent"})

    with pytest.raises(ConnectionResetError):
        await stranger.fetch_token()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stranger.post(a_statement()), 0.05)


async def test_over_a_plain_transport_slowness_really_waits(
    stranger: Caller, sandbox: Sandbox
) -> None:
    sandbox.change({"token": {"mode": "slow", "seconds": 0.05}})
    loop = asyncio.get_running_loop()
    began = loop.time()

    await stranger.fetch_token()

    assert loop.time() - began >= 0.05


async def test_requests_are_logged_without_secrets(
    caller: Caller, sandbox: Sandbox, clock: StillClock
) -> None:
    clock.move(seconds=1)
    await caller.post(*(a_statement(number) for number in range(1, 61)))
    await caller.http.post(TOKEN, data={"grant_type": "none"})

    token, statements = (await caller.http.get("/log?limit=2")).json()

    assert (token["endpoint"], token["status"], token["authorization"]) == ("token", 400, None)
    assert statements == {
        "at": "2026-03-01T12:00:01Z",
        "endpoint": "statements",
        "method": "POST",
        "path": "/xapi/statements",
        "status": 200,
        "ending": "answered",
        "count": 60,
        "ids": [an_id(number) for number in range(1, 51)],
        "authorization": "Bearer",
        "traceparent": None,
    }


async def test_the_log_can_be_narrowed(caller: Caller) -> None:
    await caller.post(a_statement())

    narrowed = (await caller.http.get("/log?endpoint=token")).json()
    refused = await caller.http.get("/log?limit=few")

    assert [one["endpoint"] for one in narrowed] == ["token"]
    assert refused.status_code == 400


async def test_the_log_is_bounded(clock: StillClock) -> None:
    sandbox = Sandbox(clock, keep_log=2)
    async with httpx.AsyncClient(transport=InProcess(sandbox), base_url="http://any") as http:
        for _ in range(3):
            await Caller(http).fetch_token()

    assert len(sandbox.log.entries()) == 2
    assert sandbox.oauth.issued == 3


async def test_counts_and_ids_are_told(caller: Caller) -> None:
    await caller.post(a_statement(2), a_statement(1))
    await caller.post(a_statement(1))
    await caller.get()

    counts = (await caller.http.get("/counts")).json()
    ids = (await caller.http.get("/ids")).json()

    assert counts == {"received": 3, "held": 2, "attempts": 2, "tokens": 1}
    assert ids == [an_id(2), an_id(1)]
