"""A completion, said as each provider wants to hear it. The golden files hold the very bytes."""

import json
from pathlib import Path

import pytest

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement
from hub.xapi.completion import Completion, Skipped, express, read_completions
from hub.xapi.errors import Invalid, TooManyCompletions
from hub.xapi.rules import ActorId, ObjectId, Rules

GOLDEN = Path(__file__).parent / "golden"
HERE = IntegrationId("2b7d5a36-3b0c-4f0a-8a57-6f2f0f3f9a10")
UUID = "7c4ab3a5-63c5-4d51-8a1b-1d2a4d1f2f7e"
WHOLE: dict[str, object] = {
    "id": "enrolment-17",
    "learner": {"email": "ann@example.org", "ssoId": "ann.o", "name": "Ann O'Brien"},
    "course": {"uuid": UUID, "uri": "https://example.org/courses/1", "name": "Ethics"},
    "completedAt": "2022-08-26T09:14:32.577Z",
}
RULES = {
    "email-uri": Rules(),
    "email-uuid": Rules(object_id=ObjectId.UUID),
    "sso-uri": Rules(actor_id=ActorId.SSO),
    "sso-uuid-mended": Rules(
        actor_id=ActorId.SSO,
        object_id=ObjectId.UUID,
        account_home_page="https://sso.example.org",
        object_id_template="urn:uuid:{id}",
    ),
    "progressed": Rules(verbs=("completed", "progressed")),
}


def a_completion(**members: object) -> Completion:
    (completion,) = read_completions(json.dumps({**WHOLE, **members}).encode(), max_batch=10)
    return completion


def a_statement(
    completion: Completion, rules: Rules, integration_id: IntegrationId = HERE
) -> Statement:
    statement = express(completion, rules, integration_id)
    assert isinstance(statement, Statement)
    return statement


@pytest.mark.parametrize("name", RULES)
def test_a_completion_becomes_the_statement_of_the_golden_file(name: str) -> None:
    verb = "progressed" if name == "progressed" else "completed"

    statement = a_statement(a_completion(verb=verb), RULES[name])

    assert statement.body + b"\n" == (GOLDEN / f"{name}.json").read_bytes()
    assert json.loads(statement.body)["id"] == statement.id


def test_a_repeat_makes_the_same_statement() -> None:
    first, again = (a_statement(a_completion(), Rules()) for _ in range(2))

    assert first == again


def test_without_an_id_the_content_makes_the_statement() -> None:
    first = a_statement(a_completion(id=None), Rules())
    again = a_statement(a_completion(id=None, learner={"email": "ann@example.org"}), Rules())
    renamed = a_completion(id=None, learner={**_learner(), "name": "Ann Other"})
    other = a_statement(a_completion(id=None, completedAt="2023-08-26T09:14:32Z"), Rules())

    assert a_statement(renamed, Rules()) == first
    assert len({first.id, again.id, other.id}) == 3


def test_each_integration_has_a_statement_of_its_own() -> None:
    there = a_statement(a_completion(), Rules(), IntegrationId("another"))

    assert there.id != a_statement(a_completion(), Rules()).id


def test_a_known_id_with_other_content_is_seen_by_its_digest() -> None:
    first = a_statement(a_completion(), Rules())
    later = a_statement(a_completion(completedAt="2023-08-26T09:14:32Z"), Rules())

    assert first.id == later.id
    assert first.digest != later.digest


@pytest.mark.parametrize(
    ("members", "rules", "reason"),
    [
        (
            {"learner": {"ssoId": "ann"}},
            Rules(),
            "the provider identifies learners by e-mail and this completion has none",
        ),
        (
            {"learner": {"email": "ann@example.org"}},
            Rules(actor_id=ActorId.SSO),
            "the provider identifies learners by SSO id and this completion has none",
        ),
        (
            {"course": {"uuid": UUID}},
            Rules(),
            "the provider identifies courses by URI and this completion has none",
        ),
        (
            {"course": {"uri": "https://example.org/1"}},
            Rules(object_id=ObjectId.UUID),
            "the provider identifies courses by UUID and this completion has none",
        ),
        ({"verb": "progressed"}, Rules(), 'the provider does not take the verb "progressed"'),
    ],
    ids=str,
)
def test_what_the_provider_cannot_be_told_is_skipped(
    members: dict[str, object], rules: Rules, reason: str
) -> None:
    assert express(a_completion(**members), rules, HERE) == Skipped(reason)


def test_a_template_makes_a_uri_of_a_uuid() -> None:
    rules = Rules(object_id_template="https://example.org/courses/{id}")

    statement = a_statement(a_completion(course={"uuid": UUID}), rules)

    assert json.loads(statement.body)["object"]["id"] == f"https://example.org/courses/{UUID}"


@pytest.mark.parametrize(
    ("members", "pointer", "words"),
    [
        ({"extra": 1}, "/extra", "not a key"),
        ({"learner": {}}, "/learner", "email or an ssoId"),
        ({"learner": {"email": "ann"}}, "/learner/email", "e-mail"),
        ({"learner": {"email": "a@b\r\nBcc: c@d"}}, "/learner/email", "e-mail"),
        ({"learner": {"ssoId": ""}}, "/learner/ssoId", "at least 1"),
        ({"learner": {"ssoId": "\ud800"}}, "/learner/ssoId", "surrogate"),
        ({"course": {}}, "/course", "uuid or a uri"),
        ({"course": {"uuid": "1"}}, "/course/uuid", "UUID"),
        ({"course": {"uri": "courses/1"}}, "/course/uri", "scheme"),
        ({"completedAt": "yesterday"}, "/completedAt", "ISO 8601"),
        ({"completedAt": None}, "/completedAt", "string"),
        ({"verb": "Completed"}, "/verb", "verb"),
    ],
    ids=str,
)
def test_a_completion_that_makes_no_sense_is_refused_with_its_place(
    members: dict[str, object], pointer: str, words: str
) -> None:
    body = json.dumps([WHOLE, {**WHOLE, **members}]).encode()

    with pytest.raises(Invalid) as refusal:
        read_completions(body, max_batch=2)

    (flaw,) = refusal.value.errors
    assert flaw.pointer == f"/1{pointer}"
    assert words in flaw.detail


def test_more_completions_than_the_bound_are_refused() -> None:
    with pytest.raises(TooManyCompletions, match="3 completions in one request; at most 2"):
        read_completions(json.dumps([WHOLE] * 3).encode(), max_batch=2)


def test_an_empty_array_is_refused() -> None:
    with pytest.raises(Invalid, match="at least one completion"):
        read_completions(b"[]", max_batch=2)


def test_errors_are_counted_only_up_to_fifty() -> None:
    with pytest.raises(Invalid) as refusal:
        read_completions(json.dumps([{}] * 100).encode(), max_batch=100)

    assert len(refusal.value.errors) == 50


def _learner() -> dict[str, object]:
    learner = WHOLE["learner"]
    assert isinstance(learner, dict)
    return learner
