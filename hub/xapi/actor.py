"""Who: agents and groups (xAPI 1.0.3 Part Two, 2.4.2)."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from hub.xapi.flaw import tag
from hub.xapi.words import Iri, Mailto, Part, Sha1Sum

IDENTIFIERS = frozenset({"mbox", "mbox_sha1sum", "openid", "account"})


class Account(Part):
    """A user account on a system: `name` at `home_page`."""

    home_page: Iri
    name: str


class Agent(Part):
    """A person or a system, known by exactly one identifier."""

    object_type: Literal["Agent"] = "Agent"
    name: str | None = None
    mbox: Mailto | None = None
    mbox_sha1sum: Sha1Sum | None = Field(None, alias="mbox_sha1sum")
    openid: Iri | None = None
    account: Account | None = None

    @model_validator(mode="after")
    def has_one_identifier(self) -> Self:
        if len(self.model_fields_set & IDENTIFIERS) != 1:
            raise PydanticCustomError(
                "identifier", "must have exactly one of mbox, mbox_sha1sum, openid, account"
            )
        return self


class Group(Part):
    """Several agents: known by one identifier, or anonymous and then listed."""

    object_type: Literal["Group"]
    name: str | None = None
    mbox: Mailto | None = None
    mbox_sha1sum: Sha1Sum | None = Field(None, alias="mbox_sha1sum")
    openid: Iri | None = None
    account: Account | None = None
    member: list[Agent] | None = None

    @model_validator(mode="after")
    def is_known_or_listed(self) -> Self:
        identifiers = len(self.model_fields_set & IDENTIFIERS)
        if identifiers > 1:
            raise PydanticCustomError(
                "identifier", "must have at most one of mbox, mbox_sha1sum, openid, account"
            )
        if not identifiers and not self.member:
            raise PydanticCustomError(
                "identifier", "must list its members, or have an identifier of its own"
            )
        return self


def actor_tag(written: object) -> str | None:
    """Say which kind of actor this is; without an objectType it is an agent."""
    if not isinstance(written, Mapping):
        return None
    kind = written.get("objectType", "Agent")
    return tag(kind) if kind in ("Agent", "Group") else None


Actor = Annotated[
    Annotated[Agent, Tag(tag("Agent"))] | Annotated[Group, Tag(tag("Group"))],
    Discriminator(
        actor_tag,
        custom_error_type="actor",
        custom_error_message="must be an Agent or a Group",
    ),
]
