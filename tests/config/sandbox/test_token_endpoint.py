"""The token endpoint behaves as RFC 6749 asks."""

import httpx
import pytest

from config.sandbox.state import Sandbox
from tests.config.sandbox.caller import TOKEN, Caller, a_statement, basic
from tests.config.sandbox.clock import StillClock

GRANT = {"grant_type": "client_credentials"}
BODY = {"client_id": "sandbox", "client_secret": "sandbox-secret"}


def outcome(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def test_basic_credentials_buy_a_token(stranger: Caller, sandbox: Sandbox) -> None:
    answer = await stranger.sign_in()

    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 3600
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await stranger.post(a_statement())).status_code == 200
    assert sandbox.oauth.issued == 1


async def test_credentials_in_the_body_buy_a_token(stranger: Caller) -> None:
    answer = await stranger.http.post(TOKEN, data={**GRANT, **BODY, "scope": "xapi:write"})

    assert answer.status_code == 200
    assert answer.json()["scope"] == "xapi:write"


async def test_basic_credentials_are_form_urlencoded(stranger: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"clients": {"id:+ ü": "s3cr:et/+"}})

    assert (await stranger.fetch_token("id:+ ü", "s3cr:et/+")).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        basic("sandbox", "wrong"),
        basic("nobody", "sandbox-secret"),
        "Basic ???",
        "Basic c2FuZGJveA==",
        "Bearer sandbox",
    ],
)
async def test_wrong_credentials_are_refused(stranger: Caller, authorization: str) -> None:
    headers = {"Authorization": authorization}

    answer = await stranger.http.post(TOKEN, data=GRANT, headers=headers)

    assert outcome(answer) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    "form",
    [
        {},
        GRANT,
        BODY,
        {**GRANT, "client_id": "sandbox"},
        {**GRANT, **BODY, "scope": ["a", "b"]},
        {"grant_type": "refresh_token", **BODY},
    ],
    ids=["empty", "no-client", "no-grant", "no-secret", "repeated", "no-refresh-token"],
)
async def test_an_incomplete_request_is_refused(
    stranger: Caller, form: dict[str, str | list[str]]
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = await stranger.http.post(TOKEN, data=form, headers=headers)

    assert outcome(answer) == (400, "invalid_request")


async def test_an_unknown_grant_is_refused(stranger: Caller) -> None:
    answer = await stranger.http.post(TOKEN, data={"grant_type": "password", **BODY})

    assert outcome(answer) == (400, "unsupported_grant_type")


async def test_credentials_in_both_places_are_refused(stranger: Caller) -> None:
    headers = {"Authorization": basic("sandbox", "sandbox-secret")}

    answer = await stranger.http.post(TOKEN, data={**GRANT, **BODY}, headers=headers)

    assert outcome(answer) == (400, "invalid_request")


async def test_a_json_body_is_refused(stranger: Caller) -> None:
    answer = await stranger.http.post(TOKEN, json={**GRANT, **BODY})

    assert outcome(answer) == (400, "invalid_request")


async def test_a_form_that_is_not_utf_8_or_too_long_is_refused(stranger: Caller) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    garbled = await stranger.http.post(TOKEN, content=b"scope=\xff", headers=headers)
    escaped = await stranger.http.post(TOKEN, content=b"scope=%ff", headers=headers)
    long = await stranger.http.post(TOKEN, content=b"x" * 70_000, headers=headers)

    assert outcome(garbled) == outcome(escaped) == (400, "invalid_request")
    assert outcome(long) == (413, "invalid_request")


async def test_a_refresh_token_is_good_once(stranger: Caller) -> None:
    first = {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh", **BODY}

    answer = await stranger.http.post(TOKEN, data=first)
    again = await stranger.http.post(TOKEN, data=first)
    following = {**first, "refresh_token": answer.json()["refresh_token"]}
    rotated = await stranger.http.post(TOKEN, data=following)

    assert answer.status_code == rotated.status_code == 200
    assert outcome(again) == (400, "invalid_grant")


async def test_a_refresh_token_of_another_client_is_refused(
    stranger: Caller, sandbox: Sandbox
) -> None:
    sandbox.change({"refreshTokens": {"theirs": "other"}})

    answer = await stranger.fetch_token(grant_type="refresh_token", refresh_token="theirs")

    assert outcome(answer) == (400, "invalid_grant")


async def test_the_lifetime_can_be_set(
    stranger: Caller, sandbox: Sandbox, clock: StillClock
) -> None:
    sandbox.change({"tokenLifetime": 5})
    answer = await stranger.sign_in()

    clock.move(seconds=4)
    before = await stranger.get()
    clock.move(seconds=1)
    after = await stranger.get()

    assert answer.json()["expires_in"] == 5
    assert (before.status_code, after.status_code) == (200, 401)


async def test_the_lifetime_can_be_told_oddly(stranger: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"expiresIn": "text"})
    told = await stranger.fetch_token()
    sandbox.change({"expiresIn": "absent"})
    untold = await stranger.fetch_token()

    assert told.json()["expires_in"] == "3600"
    assert "expires_in" not in untold.json()


async def test_new_credentials_shut_the_old_ones_out(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"clients": {"acme": "new"}, "revokeTokens": True})

    assert (await caller.post(a_statement())).status_code == 401
    assert (await caller.sign_in()).status_code == 401
    assert (await caller.sign_in("acme", "new")).status_code == 200
    assert (await caller.post(a_statement())).status_code == 200


async def test_issued_tokens_outlive_a_change_of_clients(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"clients": {"acme": "new"}})

    assert (await caller.post(a_statement())).status_code == 200


async def test_lapsed_tokens_are_not_kept(
    stranger: Caller, sandbox: Sandbox, clock: StillClock
) -> None:
    for _ in range(3):
        await stranger.fetch_token()
        clock.move(hours=1)

    await stranger.fetch_token()

    assert sandbox.oauth.good == 1
