"""The shape of a statement: xAPI 1.0.3 Part Two, 2.4, and xAPI 2.0 (IEEE 9274.1.1).

Nulls, and what depends on more than one place in a statement, are looked at elsewhere: `json_text`
and `contradictions`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from hub.xapi.activity import Activity
from hub.xapi.actor import Actor, Agent, Group
from hub.xapi.flaw import tag
from hub.xapi.words import (
    Duration,
    Extensions,
    Iri,
    LanguageMap,
    LanguageTag,
    MediaType,
    Part,
    Sha2Sum,
    Timestamp,
    Uuid,
    Version,
)


class Verb(Part):
    """What the actor did."""

    id: Iri
    display: LanguageMap | None = None


class Score(Part):
    """How well the actor did."""

    scaled: Annotated[float, Field(ge=-1, le=1)] | None = None
    raw: float | None = None
    min: float | None = None
    max: float | None = None


class Result(Part):
    """What came of it."""

    score: Score | None = None
    success: bool | None = None
    completion: bool | None = None
    response: str | None = None
    duration: Duration | None = None
    extensions: Extensions | None = None


class StatementRef(Part):
    """Another statement, named by its id."""

    object_type: Literal["StatementRef"]
    id: Uuid


def _one_or_many(written: object) -> str | None:
    if isinstance(written, Mapping):
        return tag("one")
    return tag("many") if isinstance(written, list) else None


Activities = Annotated[
    Annotated[Activity, Tag(tag("one"))] | Annotated[list[Activity], Tag(tag("many"))],
    Discriminator(
        _one_or_many,
        custom_error_type="activities",
        custom_error_message="must be an activity or an array of activities",
    ),
]


class ContextActivities(Part):
    """The activities around the one this was about."""

    parent: Activities | None = None
    grouping: Activities | None = None
    category: Activities | None = None
    other: Activities | None = None


class ContextAgent(Part):
    """An agent around, and as what (xAPI 2.0)."""

    object_type: Literal["contextAgent"]
    agent: Agent
    relevant_types: Annotated[list[Iri], Field(min_length=1)] | None = None


class ContextGroup(Part):
    """A group around, and as what (xAPI 2.0)."""

    object_type: Literal["contextGroup"]
    group: Group
    relevant_types: Annotated[list[Iri], Field(min_length=1)] | None = None


class Context(Part):
    """Where and among whom it happened."""

    registration: Uuid | None = None
    instructor: Actor | None = None
    team: Group | None = None
    context_activities: ContextActivities | None = None
    context_agents: list[ContextAgent] | None = None
    context_groups: list[ContextGroup] | None = None
    revision: str | None = None
    platform: str | None = None
    language: LanguageTag | None = None
    statement: StatementRef | None = None
    extensions: Extensions | None = None


class Attachment(Part):
    """A file that belongs to the statement; only JSON is taken here, so it must have an address."""

    usage_type: Iri
    display: LanguageMap
    description: LanguageMap | None = None
    content_type: MediaType
    length: Annotated[int, Field(ge=0)]
    sha2: Sha2Sum
    file_url: Iri


KINDS = frozenset({"Activity", "Agent", "Group", "StatementRef", "SubStatement"})


def _object_tag(written: object) -> str | None:
    if not isinstance(written, Mapping):
        return None
    kind = written.get("objectType", "Activity")
    return tag(kind) if isinstance(kind, str) and kind in KINDS else None


def _plain_object_tag(written: object) -> str | None:
    found = _object_tag(written)
    return None if found == tag("SubStatement") else found


PlainObject = Annotated[
    Annotated[Activity, Tag(tag("Activity"))]
    | Annotated[Agent, Tag(tag("Agent"))]
    | Annotated[Group, Tag(tag("Group"))]
    | Annotated[StatementRef, Tag(tag("StatementRef"))],
    Discriminator(
        _plain_object_tag,
        custom_error_type="object",
        custom_error_message="must be an Activity, Agent, Group or StatementRef",
    ),
]


class SubStatement(Part):
    """A statement inside a statement: what is meant to happen, say."""

    object_type: Literal["SubStatement"]
    actor: Actor
    verb: Verb
    object: PlainObject
    result: Result | None = None
    context: Context | None = None
    timestamp: Timestamp | None = None
    attachments: list[Attachment] | None = None


StatementObject = Annotated[
    Annotated[Activity, Tag(tag("Activity"))]
    | Annotated[Agent, Tag(tag("Agent"))]
    | Annotated[Group, Tag(tag("Group"))]
    | Annotated[StatementRef, Tag(tag("StatementRef"))]
    | Annotated[SubStatement, Tag(tag("SubStatement"))],
    Discriminator(
        _object_tag,
        custom_error_type="object",
        custom_error_message="must be an Activity, Agent, Group, StatementRef or SubStatement",
    ),
]


class StatementModel(Part):
    """A whole statement, as it may be sent to an LRS."""

    id: Uuid | None = None
    actor: Actor
    verb: Verb
    object: StatementObject
    result: Result | None = None
    context: Context | None = None
    timestamp: Timestamp | None = None
    stored: Timestamp | None = None
    authority: Actor | None = None
    version: Version | None = None
    attachments: list[Attachment] | None = None
