"""What a statement must look like, and which bytes go out for the bytes that came."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest

from delivery.facts.statement import Statement, StatementId
from hub.xapi.errors import Invalid, InvalidStatements, TooManyStatements
from hub.xapi.reading import read
from hub.xapi.rules import ActorId, ObjectId, Rules

NOW = datetime(2026, 11, 22, 9, 14, 32, 577_000, tzinfo=UTC)
ID = "7c4ab3a5-63c5-4d51-8a1b-1d2a4d1f2f7e"
AGENT = {"mbox": "mailto:ann@example.org"}
VERB = {"id": "http://adlnet.gov/expapi/verbs/completed"}
COURSE = {
    "id": "https://example.org/courses/1",
    "definition": {"type": "http://adlnet.gov/expapi/activities/course"},
}
REF = {"objectType": "StatementRef", "id": ID}
FILE = {
    "usageType": "https://example.org/certificate",
    "display": {"en": "Certificate"},
    "contentType": "application/pdf",
    "length": 5,
    "sha2": "a" * 64,
    "fileUrl": "https://example.org/certificate.pdf",
}
STRICT = Rules()
SEED = Rules(actor_id=ActorId.SSO, object_id=ObjectId.UUID)
MENDING = Rules(
    actor_id=ActorId.SSO,
    object_id=ObjectId.UUID,
    account_home_page="https://sso.example.org",
    object_id_template="urn:uuid:{id}",
)


def a_statement(**members: object) -> dict[str, object]:
    return {"actor": AGENT, "verb": VERB, "object": COURSE, **members}


def take(
    sent: object, rules: Rules = STRICT, *, statement_id: str | None = None
) -> list[Statement]:
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    named = None if statement_id is None else StatementId(statement_id)
    return read(body, rules, now=NOW, max_batch=3, statement_id=named)


def flaws(sent: object, rules: Rules = STRICT) -> dict[str, str]:
    with pytest.raises(Invalid) as refusal:
        take(sent, rules)
    return {flaw.pointer: flaw.detail for flaw in refusal.value.errors}


def within(members: Mapping[str, object], **more: object) -> dict[str, object]:
    return {**members, **more}


def test_a_whole_statement_is_sent_byte_for_byte() -> None:
    body = json.dumps(a_statement(id=ID, timestamp="2022-08-26T09:14:32.577Z"), indent=3).encode()

    (statement,) = take(b"\n " + body + b" \r\n")

    assert statement.id == ID
    assert statement.body == body


def test_id_and_timestamp_are_put_in_front_where_they_are_missing() -> None:
    body = json.dumps(a_statement()).encode()

    (statement,) = take(body)

    assert str(UUID(statement.id)) == statement.id
    stamps = f'{{"id":"{statement.id}","timestamp":"2026-11-22T09:14:32.577Z",'
    assert statement.body == stamps.encode() + body[1:]


def test_an_id_in_capitals_is_known_by_its_canonical_form_and_sent_as_written() -> None:
    (statement,) = take(a_statement(id=ID.upper()))

    assert statement.id == ID
    assert ID.upper().encode() in statement.body


def test_integers_over_64_bit_survive() -> None:
    big = b"123456789012345678901234567890"
    body = json.dumps(a_statement(result={"extensions": {"https://e.org/n": 0}})).encode()

    (statement,) = take(body.replace(b": 0}", b": " + big + b"}"))

    assert big in statement.body


def test_each_statement_of_an_array_keeps_its_own_bytes() -> None:
    first, second = (json.dumps(a_statement(id=f"{n}{ID[1:]}")).encode() for n in "12")

    statements = take(b"[ " + first + b" ,\n" + second + b"]")

    assert [statement.id[0] for statement in statements] == ["1", "2"]
    assert statements[1].body.endswith(second[1:])


@pytest.mark.parametrize(
    "members",
    [
        {"actor": {"objectType": "Group", "member": [AGENT]}},
        {"actor": {"objectType": "Group", "mbox": "mailto:all@example.org"}},
        {"actor": {"account": {"homePage": "https://sso.example.org", "name": "ann"}}},
        {"actor": {"mbox_sha1sum": "0" * 40, "name": ""}},
        {"actor": {"openid": "https://ann.example.org"}},
        {"object": {"objectType": "Agent", **AGENT}},
        {"object": {"objectType": "Group", "member": [AGENT]}},
        {"object": REF},
        {"object": a_statement(objectType="SubStatement")},
        {"verb": {"id": "http://adlnet.gov/expapi/verbs/voided"}, "object": REF},
        {"timestamp": "2022-08-26T09:14:32+02:00"},
        {"timestamp": "2022-08-26T09:14:32.123456789"},
        {"version": "1.0.0"},
        {"version": "2.0.0", "context": {"contextAgents": [
            {"objectType": "contextAgent", "agent": AGENT, "relevantTypes": ["https://e.org/t"]},
        ]}},
        {"context": {"contextActivities": {"parent": COURSE, "other": [COURSE]}, "platform": "x"}},
        {"context": {"instructor": AGENT, "statement": REF, "language": "en-GB"}},
        {"context": {"extensions": {"https://e.org/x": {"any": [None, {"thing": None}]}}}},
        {"result": {"score": {"scaled": -1, "raw": 0, "min": 0, "max": 9.5}, "duration": "PT1.5S"}},
        {"attachments": [FILE]},
        {"object": {"id": "https://e.org/q", "definition": {
            "interactionType": "choice",
            "correctResponsesPattern": ["a[,]b"],
            "choices": [{"id": "a", "description": {"en": "A"}}, {"id": "b"}],
        }}},
    ],
    ids=str,
)  # fmt: skip
def test_what_xapi_allows_is_taken(members: dict[str, object]) -> None:
    assert len(take(a_statement(**members))) == 1


@pytest.mark.parametrize(
    ("members", "pointer", "words"),
    [
        ({"extra": 1}, "/extra", "not a key"),
        ({"Actor": AGENT}, "/Actor", "not a key"),
        ({"actor": None}, "/actor", "null"),
        ({"actor": "ann"}, "/actor", "Agent or a Group"),
        ({"actor": {}}, "/actor", "exactly one"),
        ({"actor": {"objectType": "Person", **AGENT}}, "/actor", "Agent or a Group"),
        ({"actor": within(AGENT, openid="https://a.org")}, "/actor", "exactly one"),
        ({"actor": {"mbox": "ann@example.org"}}, "/actor/mbox", "mailto"),
        ({"actor": {"mbox": 5}}, "/actor/mbox", "mailto"),
        ({"actor": {"mbox_sha1sum": "xyz"}}, "/actor/mbox_sha1sum", "40"),
        ({"actor": {"account": {"name": "a"}}}, "/actor/account/homePage", "missing"),
        ({"actor": {"objectType": "Group"}}, "/actor", "members"),
        ({"actor": {"objectType": "Group", "member": [{}]}}, "/actor/member/0", "exactly one"),
        ({"verb": {"id": "completed"}}, "/verb/id", "scheme"),
        ({"verb": {"id": "http://a.org/ b"}}, "/verb/id", "scheme"),
        ({"verb": {"id": "a:b", "display": {"not a tag": "x"}}}, "/verb/display/not a tag", "tag"),
        ({"verb": {"id": "a:b", "display": {"en": 1}}}, "/verb/display/en", "string"),
        ({"object": {"id": ID}}, "/object/id", "scheme"),
        ({"object": {"objectType": "Thing", "id": "a:b"}}, "/object", "must be an Activity"),
        ({"object": {"objectType": "StatementRef", "id": "1"}}, "/object/id", "UUID"),
        ({"object": a_statement(objectType="SubStatement", id=ID)}, "/object/id", "not a key"),
        (
            {"object": a_statement(
                objectType="SubStatement", object=a_statement(objectType="SubStatement")
            )},
            "/object/object", "StatementRef",
        ),
        ({"id": "17"}, "/id", "UUID"),
        ({"timestamp": "2022-08-26T09:14:32-00:00"}, "/timestamp", "-00:00"),
        ({"timestamp": "2022-02-30T09:14:32Z"}, "/timestamp", "ISO 8601"),
        ({"timestamp": "yesterday"}, "/timestamp", "ISO 8601"),
        ({"timestamp": 5}, "/timestamp", "string"),
        ({"version": "1.1.0"}, "/version", "1.0.x"),
        ({"result": {"success": "true"}}, "/result/success", "true or false"),
        ({"result": {"score": {"scaled": 1.1}}}, "/result/score/scaled", "less than or equal"),
        ({"result": {"score": {"scaled": "1"}}}, "/result/score/scaled", "number"),
        ({"result": {"score": {"raw": 5, "max": 4}}}, "/result/score/raw", "max"),
        ({"result": {"score": {"raw": 5, "min": 6}}}, "/result/score/raw", "min"),
        ({"result": {"score": {"min": 5, "max": 4}}}, "/result/score/min", "max"),
        ({"result": {"duration": "1 hour"}}, "/result/duration", "ISO 8601"),
        ({"result": {"extensions": {"x": 1}}}, "/result/extensions/x", "scheme"),
        ({"context": {"registration": "1"}}, "/context/registration", "UUID"),
        ({"context": {"team": AGENT}}, "/context/team/objectType", "missing"),
        ({"object": REF, "context": {"platform": "x"}}, "/context/platform", "Activity"),
        ({"object": REF, "context": {"revision": "x"}}, "/context/revision", "Activity"),
        ({"context": {"contextAgents": []}}, "/context/contextAgents", "2.0"),
        (
            {"object": a_statement(
                objectType="SubStatement", object=REF, context={"platform": "x"}
            )},
            "/object/context/platform", "Activity",
        ),
        ({"context": {"contextGroups": []}}, "/context/contextGroups", "2.0"),
        ({"context": {"contextActivities": {"parent": 1}}}, "/context/contextActivities/parent",
         "array of activities"),
        ({"context": {"contextActivities": {"parent": [{}]}}},
         "/context/contextActivities/parent/0/id", "missing"),
        ({"verb": {"id": "http://adlnet.gov/expapi/verbs/voided"}}, "/object", "StatementRef"),
        ({"attachments": [{k: v for k, v in FILE.items() if k != "fileUrl"}]},
         "/attachments/0/fileUrl", "only JSON"),
        ({"attachments": [within(FILE, contentType="pdf")]}, "/attachments/0/contentType",
         "media type"),
        ({"object": {"id": "a:b", "definition": {"choices": []}}}, "/object/definition",
         "interactionType"),
        ({"object": {"id": "a:b", "definition": {"correctResponsesPattern": []}}},
         "/object/definition", "interactionType"),
        (
            {"object": {"id": "a:b", "definition": {
                "interactionType": "likert", "scale": [{"id": "1"}, {"id": "1"}]
            }}},
            "/object/definition", "twice",
        ),
        ({"context": {"extensions": {"a:b/~": {"x": "\ud800"}}}},
         "/context/extensions/a:b~1~0/x", "surrogate"),
    ],
    ids=str,
)  # fmt: skip
def test_what_xapi_forbids_is_refused_with_its_place(
    members: dict[str, object], pointer: str, words: str
) -> None:
    found = flaws(a_statement(**members))

    assert words in found[pointer]


def test_errors_in_an_array_say_which_statement() -> None:
    found = flaws([a_statement(), 5, a_statement(actor={"mbox": "x"})])

    assert list(found) == ["/1", "/2/actor/mbox"]


def test_errors_are_counted_only_up_to_fifty() -> None:
    found = flaws(a_statement(**{f"key{number}": 1 for number in range(300)}))

    assert len(found) == 50


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "line 1, column 1"),
        (b"{\n  nope", "line 2, column 3"),
        (b'{"a": 1} {"b": 2}', "line 1, column 10"),
        (b'{"a":\n "NaN", "b": NaN}', "NaN is no number (line 2, column 14)"),
        (b"[-Infinity]", "-Infinity is no number (line 1, column 2)"),
        (b"[1e400]", "1e400 is no number"),
        (b"[" + b"1" * 5000 + b"]", "more than 4300 digits (line 1, column 2)"),
        (b'{"a": "\xff"}', "not UTF-8 (byte 8)"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"a":' * 1_000_000, "nested too deeply"),
        (b"5", "must be a statement"),
        (b"[]", "at least one"),
    ],
    ids=lambda sent: str(sent[:20]),
)
def test_what_is_no_strict_json_is_refused_with_its_place(body: bytes, words: str) -> None:
    assert words in flaws(body)[""]


def test_nesting_is_bounded_where_the_parser_would_still_go_on() -> None:
    deep: object = 1
    for _ in range(150):
        deep = [deep]

    found = flaws(a_statement(context={"extensions": {"https://e.org/deep": deep}}))

    assert "at most 100 levels" in next(iter(found.values()))


def test_a_key_that_stands_twice_is_refused() -> None:
    body = json.dumps([a_statement()]).replace('"mbox"', '"mbox": "mailto:x@y.org", "mbox"')

    assert flaws(body.encode()) == {"/0/actor/mbox": "stands twice in the same object"}


def test_an_id_that_stands_twice_in_a_batch_is_refused() -> None:
    assert flaws([a_statement(id=ID), a_statement(id=ID.upper())]) == {
        "/1/id": "stands twice in this request"
    }


def test_more_statements_than_the_bound_are_refused() -> None:
    with pytest.raises(TooManyStatements, match="4 statements in one request; at most 3"):
        take([a_statement()] * 4)


def test_a_put_names_the_id_of_a_statement_that_has_none() -> None:
    (statement,) = take(a_statement(), statement_id=ID)

    assert statement.id == ID
    assert json.loads(statement.body)["id"] == ID


def test_a_put_of_another_id_is_refused() -> None:
    with pytest.raises(InvalidStatements, match="/id: is not the statementId"):
        take(a_statement(id="1" + ID[1:]), statement_id=ID)


def test_a_put_of_an_array_is_refused() -> None:
    with pytest.raises(InvalidStatements, match="not an array"):
        take([a_statement()], statement_id=ID)


def test_contexts_of_xapi_2_pass_where_the_provider_speaks_it() -> None:
    sent = a_statement(context={"contextAgents": []})

    assert take(sent, Rules(xapi_version="2.0.0"))
    assert flaws(within(sent, version="1.0.3"), Rules(xapi_version="2.0.0"))


def seed_statement() -> dict[str, object]:
    return {
        "id": ID,
        "verb": VERB,
        "actor": {"account": {"name": "example-sso-identifier"}},
        "object": {"id": ID, "definition": COURSE["definition"]},
        "timestamp": "2022-08-26T09:14:32.577Z",
    }


def test_the_shapes_of_the_seed_pass_untouched_where_the_rules_take_them() -> None:
    body = json.dumps(seed_statement(), indent=1).encode()

    (statement,) = take(body, SEED)

    assert statement.body == body


def test_the_shapes_of_the_seed_are_refused_where_the_rules_do_not_take_them() -> None:
    assert flaws(seed_statement()).keys() == {"/actor/account/homePage", "/object/id"}


def test_the_shapes_of_the_seed_are_mended_where_the_rules_know_how() -> None:
    (statement,) = take(seed_statement(), MENDING)

    sent = json.loads(statement.body)
    assert sent == {
        **seed_statement(),
        "actor": {
            "account": {"name": "example-sso-identifier", "homePage": "https://sso.example.org"}
        },
        "object": {"id": f"urn:uuid:{ID}", "definition": COURSE["definition"]},
    }


def test_mending_leaves_big_integers_and_the_digest_alone() -> None:
    sent = {**seed_statement(), "result": {"extensions": {"a:b": 10**30 + 1}}}

    (statement,) = take(sent, MENDING)

    assert json.loads(statement.body)["result"] == sent["result"]
    assert statement.digest == take(sent, SEED)[0].digest


def test_what_is_wrong_beside_a_mended_place_is_still_refused() -> None:
    actor = {"account": {"name": "ann"}, "mbox": "mailto:ann@example.org"}

    assert "exactly one" in flaws({**seed_statement(), "actor": actor}, MENDING)["/actor"]


def test_stored_and_authority_are_left_out() -> None:
    sent = a_statement(id=ID, timestamp="2022-08-26T09:14:32Z")

    (statement,) = take({**sent, "stored": "2022-08-26T09:14:33Z", "authority": AGENT})

    assert json.loads(statement.body) == sent


def test_the_digest_is_the_same_for_the_same_content() -> None:
    written = a_statement(result={"score": {"raw": 1}})
    reordered = dict(reversed(written.items()))
    bodies = (
        json.dumps(written),
        json.dumps(reordered, indent=4).replace('"raw": 1', '"raw": 1.0'),
        json.dumps({**written, "id": ID, "version": "1.0.0", "authority": AGENT}),
    )

    assert len({take(body.encode())[0].digest for body in bodies}) == 1


def test_the_digest_differs_with_the_content() -> None:
    numbers = (10**30, 10**30 + 1, 2**64, 0.5)
    sent = [a_statement(result={"extensions": {"a:b": number}}) for number in numbers]
    sent += [a_statement(timestamp="2022-08-26T09:14:32Z"), a_statement()]

    assert len({take(one)[0].digest for one in sent}) == len(sent)
