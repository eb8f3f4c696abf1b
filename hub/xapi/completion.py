"""A completion, a learner finished a course, and the statement it becomes for one provider.

The provider's rules choose what names the learner and the course. The id of the statement comes
from the integration and the completion, so that a repeat makes the same statement. Names are for
people who read completions; what goes to a provider is only what identifies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self
from uuid import UUID

import msgspec
from pydantic import Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement, StatementId
from hub.xapi import json_text
from hub.xapi.content import digest
from hub.xapi.errors import InvalidCompletions, TooManyCompletions
from hub.xapi.flaw import MOST_FLAWS, Flaw, flaws_of, point
from hub.xapi.naming import uuid_of
from hub.xapi.rules import COMPLETED, ActorId, ObjectId, Rules
from hub.xapi.words import MAILBOX, Iri, Part, Pattern, Timestamp, Uuid, VerbName

NAMESPACE = UUID("5d0b8d4c-2b5e-4d0a-9a55-0d1f6a3b7e21").bytes
VERBS = "http://adlnet.gov/expapi/verbs/"
COURSE = "http://adlnet.gov/expapi/activities/course"

Email = Annotated[
    str,
    Pattern(MAILBOX, "must be an e-mail address"),
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Learner(Part):
    """Who finished the course."""

    email: Email | None = None
    sso_id: Name | None = None
    name: str | None = None

    @model_validator(mode="after")
    def is_identified(self) -> Self:
        if self.email is None and self.sso_id is None:
            raise PydanticCustomError("learner", "must have an email or an ssoId")
        return self


class Course(Part):
    """What was finished."""

    uuid: Uuid | None = None
    uri: Iri | None = None
    name: str | None = None

    @model_validator(mode="after")
    def is_identified(self) -> Self:
        if self.uuid is None and self.uri is None:
            raise PydanticCustomError("course", "must have a uuid or a uri")
        return self


class Completion(Part):
    """A learner finished a course."""

    id: Name | None = None
    learner: Learner
    course: Course
    completed_at: Timestamp
    verb: VerbName = Field(COMPLETED)


@dataclass(frozen=True, slots=True)
class Skipped:
    """This completion makes no statement for this provider, and why."""

    reason: str


def read_completions(body: bytes, *, max_batch: int) -> list[Completion]:
    """Read one completion or an array of them.

    Raises InvalidJson, InvalidCompletions, TooManyCompletions.
    """
    parsed = json_text.read(body)
    if not isinstance(parsed, list):
        return _completions([parsed], [""])
    if not parsed:
        raise InvalidCompletions([Flaw("", "must hold at least one completion")])
    if len(parsed) > max_batch:
        raise TooManyCompletions(len(parsed), max_batch)
    return _completions(parsed, [point(number) for number in range(len(parsed))])


def express(
    completion: Completion,
    rules: Rules,
    integration_id: IntegrationId,
    *,
    known_as: str | None = None,
) -> Statement | Skipped:
    """Say a completion as one provider wants to hear it, if it can be said.

    `known_as` takes the place of the completion's own id.
    """
    if completion.verb not in rules.verbs:
        return Skipped(f'the provider does not take the verb "{completion.verb}"')
    actor = _actor(completion.learner, rules)
    if isinstance(actor, Skipped):
        return actor
    activity = _activity_id(completion.course, rules)
    if isinstance(activity, Skipped):
        return activity
    return _statement(
        completion, actor, activity, _id(completion, integration_id, known_as or completion.id)
    )


def made_up(rules: Rules, *, at: str) -> Completion:
    """Make a completion up that can be said to every provider, for trying one out."""
    return Completion(
        learner=Learner(email="learner@example.org", ssoId="example-learner"),
        course=Course(
            uuid="00000000-0000-4000-8000-000000000000", uri="https://example.org/courses/example"
        ),
        completedAt=at,
        verb=rules.verbs[0],
    )


def _completions(written: Sequence[object], places: Sequence[str]) -> list[Completion]:
    completions: list[Completion] = []
    flaws: list[Flaw] = []
    for one, place in zip(written, places, strict=True):
        try:
            completions.append(Completion.model_validate(one))
        except ValidationError as error:
            flaws += (Flaw(place + flaw.pointer, flaw.detail) for flaw in flaws_of(error))
        if len(flaws) >= MOST_FLAWS:
            break
    if flaws:
        raise InvalidCompletions(flaws[:MOST_FLAWS])
    return completions


def _actor(learner: Learner, rules: Rules) -> dict[str, object] | Skipped:
    if rules.actor_id is ActorId.EMAIL:
        if learner.email is None:
            return Skipped(
                "the provider identifies learners by e-mail and this completion has none"
            )
        return {"mbox": f"mailto:{learner.email}"}
    if learner.sso_id is None:
        return Skipped("the provider identifies learners by SSO id and this completion has none")
    account = {"name": learner.sso_id}
    if rules.account_home_page is not None:
        account["homePage"] = rules.account_home_page
    return {"account": account}


def _activity_id(course: Course, rules: Rules) -> str | Skipped:
    if rules.object_id is ObjectId.URI and course.uri is not None:
        return course.uri
    if course.uuid is not None and rules.takes_bare_uuids:
        return rules.activity_id(course.uuid)
    wanted = "URI" if rules.object_id is ObjectId.URI else "UUID"
    return Skipped(f"the provider identifies courses by {wanted} and this completion has none")


def _statement(
    completion: Completion, actor: dict[str, object], activity_id: str, statement_id: StatementId
) -> Statement:
    written = {
        "id": statement_id,
        "actor": actor,
        "verb": {"id": VERBS + completion.verb},
        "object": {"id": activity_id, "definition": {"type": COURSE}},
        "timestamp": completion.completed_at,
    }
    return Statement(statement_id, msgspec.json.encode(written), digest(written))


def _id(completion: Completion, integration_id: IntegrationId, known_as: str | None) -> StatementId:
    learner, course = completion.learner, completion.course
    origin: list[str | None] = ["id", known_as]
    if known_as is None:
        origin = ["content", learner.email, learner.sso_id, course.uuid, course.uri]
        origin += [completion.completed_at, completion.verb]
    return StatementId(uuid_of(NAMESPACE, msgspec.json.encode([integration_id, *origin])))
