"""The LRS behaves as xAPI 1.0.3 Part Three asks."""

import pytest

from config.sandbox.errors import RefusedRequest
from config.sandbox.incoming import Incoming
from config.sandbox.state import Sandbox
from tests.config.sandbox.caller import STATEMENTS, Caller, Json, a_statement, an_id
from tests.config.sandbox.clock import StillClock

VERSION = "X-Experience-API-Version"


async def test_one_statement_is_answered_with_its_id(caller: Caller, sandbox: Sandbox) -> None:
    answer = await caller.post(a_statement())

    assert (answer.status_code, answer.json()) == (200, [an_id()])
    assert answer.headers[VERSION] == "1.0.3"
    assert sandbox.lrs.holds(an_id())


async def test_a_batch_is_answered_with_its_ids_in_order(caller: Caller, sandbox: Sandbox) -> None:
    answer = await caller.post(*(a_statement(number) for number in (3, 1, 2)))

    assert answer.json() == [an_id(3), an_id(1), an_id(2)]
    assert sandbox.lrs.ids() == [an_id(3), an_id(1), an_id(2)]


async def test_a_statement_without_id_is_given_one(caller: Caller, sandbox: Sandbox) -> None:
    statement = a_statement()
    del statement["id"]

    answer = await caller.post(statement)

    assert answer.json() == sandbox.lrs.ids()


async def test_put_is_answered_without_content(caller: Caller, sandbox: Sandbox) -> None:
    answer = await caller.put(a_statement(), an_id())

    assert (answer.status_code, answer.content) == (204, b"")
    assert sandbox.lrs.holds(an_id())


async def test_put_takes_its_id_from_the_query(caller: Caller, sandbox: Sandbox) -> None:
    statement = a_statement()
    del statement["id"]

    await caller.put(statement, an_id(7))

    assert sandbox.lrs.ids() == [an_id(7)]


async def test_put_refuses_an_id_that_differs_from_the_query(caller: Caller) -> None:
    answer = await caller.put(a_statement(1), an_id(2))

    assert answer.status_code == 400


async def test_put_without_statement_id_is_refused(caller: Caller) -> None:
    answer = await caller.http.put(STATEMENTS, json=a_statement(), headers=caller.headers)

    assert answer.status_code == 400


async def test_put_takes_one_statement_only(caller: Caller) -> None:
    query = {"statementId": an_id(1)}
    two = [a_statement(1), a_statement(2)]

    answer = await caller.http.put(STATEMENTS, params=query, json=two, headers=caller.headers)

    assert answer.status_code == 400


async def test_bytes_survive_as_they_were_sent(caller: Caller, sandbox: Sandbox) -> None:
    body = (
        b'{ "id": "%s", "actor": {"mbox": "mailto:a@b.c"}, "verb": {"id": "urn:v"},'
        b'  "object": {"id": "urn:o"}, "result": {"extensions":'
        b' {"urn:big": 123456789012345678901234567890, "urn:real": 1.50}} }'
    ) % an_id().encode()

    await caller.post_raw(b"\n [" + body + b" ]")
    read = await caller.get(statementId=an_id())

    assert sandbox.lrs.body(an_id()) == body
    assert b"123456789012345678901234567890" in read.content
    assert b"1.50" in read.content


async def test_a_repeat_is_accepted_and_changes_nothing(caller: Caller, sandbox: Sandbox) -> None:
    await caller.post(a_statement())
    stored = await caller.get()

    posted = await caller.post(a_statement())
    put = await caller.put(a_statement(), an_id())

    assert (posted.status_code, put.status_code) == (200, 204)
    assert (await caller.get()).json() == stored.json()
    assert (sandbox.lrs.received, sandbox.lrs.held, sandbox.lrs.attempts) == (3, 1, 3)


async def test_a_repeat_with_other_content_is_a_conflict(caller: Caller, sandbox: Sandbox) -> None:
    await caller.post(a_statement())

    answer = await caller.post(a_statement(2), a_statement(object={"id": "urn:other"}))

    assert answer.status_code == 409
    assert sandbox.lrs.ids() == [an_id()]
    assert sandbox.lrs.received == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"timestamp": "2026-03-01T12:00:00.000+01:00"},
        {"stored": "2020-01-01T00:00:00Z"},
        {"version": "1.0.0"},
        {"verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": "did"}}},
        {"object": {"id": "https://example.org/courses/engines", "definition": {}}},
        {"id": an_id().upper()},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_what_an_lrs_does_not_compare_is_no_conflict(
    caller: Caller, sandbox: Sandbox, changed: Json
) -> None:
    await caller.post(a_statement())

    answer = await caller.post(a_statement(**changed))

    assert answer.status_code == 200
    assert sandbox.lrs.ids() == [an_id()]


@pytest.mark.parametrize(
    "changed",
    [
        {"timestamp": "2026-03-01T11:00:01.000Z"},
        {"timestamp": "yesterday"},
        {"result": {"success": True}},
        {"actor": {"mbox": "mailto:grace@example.org"}},
    ],
    ids=["later", "unreadable", "result", "actor"],
)
async def test_what_an_lrs_compares_is_a_conflict(caller: Caller, changed: Json) -> None:
    await caller.post(a_statement())

    answer = await caller.post(a_statement(**changed))

    assert answer.status_code == 409


async def test_integers_beyond_floats_are_told_apart(caller: Caller) -> None:
    await caller.post(a_statement(result={"extensions": {"urn:n": 9007199254740993}}))

    answer = await caller.post(a_statement(result={"extensions": {"urn:n": 9007199254740992}}))

    assert answer.status_code == 409


async def test_one_id_twice_in_a_batch_is_refused(caller: Caller, sandbox: Sandbox) -> None:
    answer = await caller.post(a_statement(), a_statement())

    assert answer.status_code == 400
    assert sandbox.lrs.held == 0


async def test_one_bad_statement_refuses_the_whole_batch(caller: Caller, sandbox: Sandbox) -> None:
    answer = await caller.post(a_statement(1), a_statement(2, verb={"id": "completed"}))

    assert answer.status_code == 400
    assert "statement 2: verb.id 'completed' is not an IRI" in answer.text
    assert sandbox.lrs.held == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "7"},
        {"id": None},
        {"actor": None},
        {"actor": {}},
        {"actor": {"mbox": "ada@example.org"}},
        {"actor": {"mbox": "mailto:a@b.c", "openid": "https://a.b"}},
        {"actor": {"account": {"name": "ada"}}},
        {"actor": {"account": {"name": "ada", "homePage": "home"}}},
        {"actor": {"objectType": "Group"}},
        {"verb": {}},
        {"verb": {"id": 7}},
        {"object": {}},
        {"object": {"id": "e3b0c442-98fc-4c14-9afb-f4c8996fb924"}},
        {"object": {"objectType": "StatementRef", "id": "urn:no-uuid"}},
        {"object": {"objectType": "Course", "id": "urn:o"}},
    ],
    ids=str,
)
async def test_a_bad_statement_is_refused(caller: Caller, sandbox: Sandbox, changed: Json) -> None:
    answer = await caller.post(a_statement(**changed))

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("statement 1: ")
    assert sandbox.lrs.held == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"actor": {"account": {"name": "ada", "homePage": "https://sso.example.org"}}},
        {"actor": {"mbox_sha1sum": "cbb3fbe1d4f55f5c7d4b1b1b6d9e8d8e6c0c3a8b"}},
        {"actor": {"objectType": "Group", "member": []}},
        {"object": {"objectType": "StatementRef", "id": an_id(9)}},
        {"object": {"objectType": "Agent", "mbox": "mailto:a@b.c"}},
    ],
    ids=str,
)
async def test_a_good_statement_is_taken(caller: Caller, changed: Json) -> None:
    assert (await caller.post(a_statement(**changed))).status_code == 200


async def test_a_lenient_lrs_takes_what_some_receivers_take(
    caller: Caller, sandbox: Sandbox
) -> None:
    sandbox.change({"lenient": True})

    answer = await caller.post(a_statement(actor={"account": {"name": "ada"}}, object={"id": "7"}))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no json",
        b"7",
        b"[7]",
        b"{} {}",
        b'{"id": "\xff"}',
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
    ids=["empty", "text", "number", "numbers", "two", "not-utf-8", "deep-array", "deep-object"],
)
async def test_what_is_no_statement_is_refused(caller: Caller, content: bytes) -> None:
    assert (await caller.post_raw(content)).status_code == 400


@pytest.mark.parametrize("version", [None, "0.9", "1.1.0", "3.0.0", "one"])
async def test_without_a_known_version_nothing_is_taken(
    caller: Caller, version: str | None
) -> None:
    del caller.headers[VERSION]
    caller.headers |= {} if version is None else {VERSION: version}

    answer = await caller.post(a_statement())

    assert answer.status_code == 400
    assert answer.headers[VERSION] == "1.0.3"


async def test_version_2_is_answered_with_version_2(caller: Caller) -> None:
    caller.headers[VERSION] = "2.0.0"

    answer = await caller.post(a_statement())

    assert (answer.status_code, answer.headers[VERSION]) == (200, "2.0.0")


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic c2FuZGJveDpzYW5kYm94"])
async def test_without_a_good_token_nothing_is_taken(
    caller: Caller, sandbox: Sandbox, authorization: str | None
) -> None:
    del caller.headers["Authorization"]
    caller.headers |= {} if authorization is None else {"Authorization": authorization}

    answer = await caller.post(a_statement())

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert sandbox.lrs.held == 0


async def test_a_token_lapses(caller: Caller, clock: StillClock) -> None:
    clock.move(hours=1)

    assert (await caller.post(a_statement())).status_code == 401


@pytest.mark.parametrize(
    "query", ["statementid=1", "agent=x", "ascending=yes", "limit=-1", "since=then"]
)
async def test_unknown_or_unreadable_parameters_are_refused(caller: Caller, query: str) -> None:
    answer = await caller.http.get(f"{STATEMENTS}?{query}", headers=caller.headers)

    assert answer.status_code == 400


async def test_post_knows_no_parameters(caller: Caller) -> None:
    url = f"{STATEMENTS}?statementId={an_id()}"

    answer = await caller.http.post(url, json=a_statement(), headers=caller.headers)

    assert answer.status_code == 400


async def test_other_content_types_are_refused(caller: Caller) -> None:
    caller.headers["Content-Type"] = "multipart/mixed; boundary=x"

    assert (await caller.post_raw(b"--x--")).status_code == 400


async def test_a_body_over_five_megabytes_is_too_large(caller: Caller) -> None:
    answer = await caller.post_raw(b" " * (5 * 1024 * 1024 + 1))

    assert answer.status_code == 413


async def test_a_statement_is_read_back_with_stamps(caller: Caller) -> None:
    await caller.post(a_statement(stored="1999-01-01T00:00:00Z"))

    read = (await caller.get(statementId=an_id())).json()

    assert read["stored"] == "2026-03-01T12:00:00.000Z"
    assert read["authority"]["account"]["name"] == "sandbox"
    assert read["version"] == "1.0.0"
    assert read["actor"] == a_statement()["actor"]


async def test_an_unknown_statement_is_not_found(caller: Caller) -> None:
    assert (await caller.get(statementId=an_id())).status_code == 404


async def test_statements_are_listed_newest_first_unless_ascending(caller: Caller) -> None:
    await caller.post(a_statement(1), a_statement(2))

    newest = (await caller.get()).json()
    oldest = (await caller.get(ascending="true")).json()

    assert [one["id"] for one in newest["statements"]] == [an_id(2), an_id(1)]
    assert [one["id"] for one in oldest["statements"]] == [an_id(1), an_id(2)]
    assert newest["more"] == ""


@pytest.mark.parametrize("ascending", ["true", "false"])
async def test_pages_lead_through_all_statements(caller: Caller, ascending: str) -> None:
    await caller.post(*(a_statement(number) for number in range(1, 6)))

    found: list[str] = []
    page = (await caller.get(limit="2", ascending=ascending)).json()
    while True:
        found += [one["id"] for one in page["statements"]]
        if not page["more"]:
            break
        page = (await caller.http.get(page["more"], headers=caller.headers)).json()

    expected = [an_id(number) for number in range(1, 6)]
    assert found == (expected if ascending == "true" else expected[::-1])


async def test_since_leaves_out_what_was_stored_before(caller: Caller, clock: StillClock) -> None:
    await caller.post(a_statement(1))
    clock.move(seconds=1)
    await caller.post(a_statement(2))

    answer = await caller.get(since="2026-03-01T12:00:00.000Z")

    assert [one["id"] for one in answer.json()["statements"]] == [an_id(2)]
    assert answer.headers["X-Experience-API-Consistent-Through"] == "2026-03-01T12:00:01.000Z"


async def test_about_names_the_versions_to_anybody(stranger: Caller) -> None:
    answer = await stranger.http.get("/xapi/about")

    assert answer.json()["version"] == ["1.0.3", "2.0.0"]
    assert answer.headers[VERSION] == "1.0.3"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", STATEMENTS, 405),
        ("GET", "/xapi/activities/state", 404),
        ("HEAD", STATEMENTS, 200),
    ],
)
async def test_every_answer_names_the_version(
    caller: Caller, method: str, path: str, status: int
) -> None:
    answer = await caller.http.request(method, path, headers=caller.headers)

    assert (answer.status_code, answer.headers[VERSION]) == (status, "1.0.3")


async def test_old_bodies_are_forgotten_but_ids_are_not(clock: StillClock) -> None:
    sandbox = Sandbox(clock, keep_bodies=2)
    sandbox.lrs.take(_read(1, 2, 3), at=clock(), client="sandbox")

    again = sandbox.lrs.take(_read(1), at=clock(), client="sandbox")

    assert again == [an_id(1)]
    assert sandbox.lrs.held == 3
    assert (sandbox.lrs.body(an_id(1)), sandbox.lrs.body(an_id(3))) == (None, b"3")
    assert len(sandbox.lrs.kept()) == 2


async def test_a_forgotten_body_still_conflicts_with_other_bytes(clock: StillClock) -> None:
    sandbox = Sandbox(clock, keep_bodies=1)
    sandbox.lrs.take(_read(1, 2), at=clock(), client="sandbox")

    with pytest.raises(RefusedRequest) as refused:
        sandbox.lrs.take([Incoming(an_id(1), b"other")], at=clock(), client="sandbox")

    assert refused.value.status == 409


def _read(*numbers: int) -> list[Incoming]:
    return [Incoming(an_id(number), b"%d" % number) for number in numbers]
