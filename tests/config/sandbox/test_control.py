"""The switches are turned by JSON or by a form; nonsense is said, and changes nothing."""

import pytest

from config.sandbox.errors import BadControl
from config.sandbox.state import Sandbox
from tests.config.sandbox.caller import Caller, Json, a_statement, an_id
from tests.config.sandbox.clock import StillClock

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_the_state_is_told_in_the_words_of_the_change(stranger: Caller) -> None:
    wishes: Json = {
        "statements": {"mode": "status", "status": 429, "retryAfter": 7, "times": 2},
        "token": {"mode": "slow", "seconds": 0.5},
        "mail": {"mode": "status", "status": 451},
        "rejectStatements": [an_id(3)],
        "maxBody": 1000,
        "maxBatch": 10,
        "lenient": True,
        "clients": {"acme": "new"},
        "refreshTokens": {"r": "acme"},
        "tokenLifetime": 60.0,
        "expiresIn": "text",
        "batches": {"mode": "silent", "times": 1},
        "importKey": "another",
        "refuseBatches": [3],
    }

    changed = await stranger.control(wishes)
    shown = await stranger.http.get("/control")

    zero = {"received": 0, "held": 0, "attempts": 0, "tokens": 0}
    assert changed.status_code == 200
    assert changed.json() == shown.json() == {**wishes, "counts": zero}


async def test_the_state_can_be_given_back_as_a_change(stranger: Caller, sandbox: Sandbox) -> None:
    state = sandbox.spoken()
    del state["counts"]

    assert (await stranger.control(state)).status_code == 200


async def test_what_is_not_named_stays(sandbox: Sandbox) -> None:
    sandbox.change({"statements": 503, "maxBatch": 5})

    sandbox.change({"token": "silent"})

    state = sandbox.state()
    assert (state.statements.status, state.token.mode, state.max_batch) == (503, "silent", 5)


async def test_bounds_can_be_taken_away(sandbox: Sandbox) -> None:
    sandbox.change({"maxBatch": 5, "maxBody": 10})

    sandbox.change({"maxBatch": None, "maxBody": None})

    assert (sandbox.state().max_batch, sandbox.state().max_body) == (None, 5 * 1024 * 1024)


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({"statments": "ok"}, "unknown field `statments`"),
        ({"statements": "brake"}, "statements: mode 'brake' is none of ok, status, slow"),
        ({"statements": {"mode": "status"}}, "statements: mode status needs status"),
        ({"statements": {"mode": "slow"}}, "statements: mode slow needs seconds"),
        ({"statements": {"mode": "slow", "seconds": -1}}, "seconds -1.0 is not within 0 to 3600"),
        ({"statements": {"mode": "slow", "seconds": "2"}}, "statements.seconds: Expected"),
        ({"statements": {"mode": "ok", "times": 2}}, "times means nothing in mode ok"),
        ({"statements": {"mode": "reset", "status": 503}}, "status means nothing in mode reset"),
        ({"statements": {"mode": "silent", "times": 0}}, "times 0 is less than 1"),
        ({"statements": 99}, "status 99 is not within 200 to 599"),
        ({"statements": True}, "statements: Expected `object`"),
        ({"statements": {"mode": 503}}, "statements.mode: Expected `str`"),
        (
            {"statements": {"mode": "status", "status": 429, "retryAfter": -1}},
            "retryAfter -1 is negative",
        ),
        (
            {"statements": {"mode": "status", "status": 429, "retryAfter": "a\r\nb: c"}},
            "retryAfter cannot be written in a header",
        ),
        (
            {"statements": {"mode": "silent", "only": {"statementIds": []}}},
            "statements.only: statementIds names no statement",
        ),
        (
            {"token": {"mode": "silent", "only": {"statementIds": ["x"]}}},
            "token: only means nothing",
        ),
        ({"mail": "silent"}, "mail: mode 'silent' is none of ok, status"),
        ({"mail": 250}, "mail: status 250 is not within 400 to 599"),
        (
            {"mail": {"mode": "status", "status": 451, "retryAfter": 3}},
            "mail: only mode, status and times",
        ),
        ({"maxBody": 0}, "maxBody 0 is not within"),
        ({"maxBatch": "5"}, "maxBatch: Expected"),
        ({"tokenLifetime": -1}, "tokenLifetime -1.0 is not within"),
        ({"expiresIn": "soon"}, "expiresIn: Invalid enum value 'soon'"),
        ({"clients": {"acme": 7}}, "clients[...]: Expected `str`"),
        ({"rejectStatements": "x"}, "rejectStatements: Expected `array"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
async def test_nonsense_is_said_and_changes_nothing(
    stranger: Caller, sandbox: Sandbox, wishes: Json, sentence: str
) -> None:
    before = sandbox.spoken()

    answer = await stranger.control({"lenient": True, "reset": True, **wishes})

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert sentence in answer.json()["detail"]
    assert sandbox.spoken() == before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "not JSON"),
        (b"[]", "expected a JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b" " * 1_100_000, "more than 1048576 bytes"),
    ],
    ids=["cut", "array", "deep", "long"],
)
async def test_what_is_no_json_object_is_refused(
    stranger: Caller, content: bytes, sentence: str
) -> None:
    headers = {"Content-Type": "application/json"}

    answer = await stranger.http.post("/control", content=content, headers=headers)

    assert answer.status_code == 400
    assert sentence in answer.json()["detail"]


async def test_a_change_says_what_kind_it_is(stranger: Caller) -> None:
    answer = await stranger.http.post("/control", content=b"{}")

    assert answer.status_code == 400
    assert "Content-Type" in answer.json()["detail"]


async def test_bad_control_is_raised_in_python(sandbox: Sandbox) -> None:
    with pytest.raises(BadControl, match="mode status needs status"):
        sandbox.change({"statements": "status"})


async def test_reset_forgets_everything(
    caller: Caller, sandbox: Sandbox, clock: StillClock
) -> None:
    pristine = Sandbox(clock).spoken()
    await caller.post(a_statement())
    sandbox.mailbox.keep("a@b.c", ["d@e.f"], b"Subject: x\r\n\r\ny")
    sandbox.change({"statements": 503, "mail": 451, "lenient": True, "clients": {}, "maxBody": 9})

    answer = await caller.control({"reset": True})

    assert answer.json() == sandbox.spoken() == pristine
    assert (sandbox.log.entries(), sandbox.mailbox.mails(), sandbox.lrs.ids()) == ([], [], [])
    assert (await caller.post(a_statement())).status_code == 401


async def test_a_reset_comes_before_the_rest_of_its_change(sandbox: Sandbox) -> None:
    sandbox.change({"token": "silent"})

    sandbox.change({"reset": True, "statements": 503})

    assert (sandbox.state().statements.status, sandbox.state().token.mode) == (503, "ok")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"statements": "503"}, {"statements": {"mode": "status", "status": 503}}),
        ({"token": "silent"}, {"token": {"mode": "silent"}}),
        (
            {"statements.mode": "slow", "statements.seconds": "1.5", "statements.status": "503"},
            {"statements": {"mode": "slow", "seconds": 1.5}},
        ),
        (
            {"statements.mode": "status", "statements.status": "429", "statements.retryAfter": "9"},
            {"statements": {"mode": "status", "status": 429, "retryAfter": "9"}},
        ),
        ({"clientId": "acme", "clientSecret": "new"}, {"clients": {"acme": "new"}}),
        (
            {"maxBody": "9", "maxBatch": "", "rejectStatements": "b, a\nc"},
            {"maxBody": 9, "maxBatch": None, "rejectStatements": ["a", "b", "c"]},
        ),
    ],
    ids=["status", "mode", "slow", "retry-after", "client", "bounds"],
)
async def test_a_plain_form_turns_switches(
    stranger: Caller, sandbox: Sandbox, form: dict[str, str], expected: Json
) -> None:
    answer = await stranger.http.post("/control", data=form)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/#switches")
    assert sandbox.spoken() == {**sandbox.spoken(), **expected}


async def test_a_form_revokes_tokens_and_resets(caller: Caller, sandbox: Sandbox) -> None:
    await caller.http.post("/control", data={"revokeTokens": "true"})
    refused = await caller.post(a_statement())
    await caller.http.post("/control", data={"reset": "true"})

    assert refused.status_code == 401
    assert sandbox.lrs.attempts == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"statements.mode=status", "mode status needs status"),
        (b"statements.mode=slow&statements.seconds=nan", "is not within 0 to 3600"),
        (b"clientId=acme&clientSecret=", "needs both an id and a secret"),
        (b"statements=<script>", "&lt;script&gt;"),
        (b"statements=\xff", "not UTF-8"),
    ],
    ids=["incomplete", "no-number", "half-a-client", "markup", "bytes"],
)
async def test_a_bad_form_is_answered_with_a_page(
    stranger: Caller, content: bytes, sentence: str
) -> None:
    answer = await stranger.http.post("/control", content=content, headers=FORM)

    assert answer.status_code == 400
    assert sentence in answer.text
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_a_form_from_another_site_is_refused(stranger: Caller, sandbox: Sandbox) -> None:
    here = {"Origin": "http://sandbox"}
    foreign = {"Origin": "https://evil.example"}

    refused = await stranger.http.post("/control", data={"statements": "503"}, headers=foreign)
    taken = await stranger.http.post("/control", data={"token": "503"}, headers=here)

    assert (refused.status_code, taken.status_code) == (400, 303)
    assert (sandbox.state().statements.mode, sandbox.state().token.mode) == ("ok", "status")
