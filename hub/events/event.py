"""An event: something that happened in a publisher's system, kept for ever and never changed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EventType(StrEnum):
    """What happened: to a learning plan instance (LPI) or to an activity instance (AI)."""

    LPI_STARTED = "LPI_STARTED"
    LPI_COMP_UNSUCCESS = "LPI_COMP_UNSUCCESS"
    LPI_COMP_SUCCESS = "LPI_COMP_SUCCESS"
    LPI_REOPENED = "LPI_REOPENED"
    AI_STARTED = "AI_STARTED"
    AI_COMP_UNSUCCESS = "AI_COMP_UNSUCCESS"
    AI_COMP_SUCCESS = "AI_COMP_SUCCESS"
    AI_REOPENED = "AI_REOPENED"


@dataclass(frozen=True, slots=True)
class Category:
    """The publisher's sort of event: `value` is the key of templates, `label` is for people."""

    value: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as a publisher hands it in. `data` is its JSON text, kept as it was written."""

    id: str
    publisher_program_id: str
    type: EventType
    publisher_participant_id: str
    data: str
    starts_at: datetime
    ends_at: datetime | None = None
    publisher_system_id: str | None = None
    publisher_event_id: str | None = None
    category: Category | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An event that is kept. No two have the same `created_at`, and it grows as they commit.

    So whoever has read up to one moment has seen everything up to it.
    """

    content: NewEvent
    created_at: datetime
