"""What recipes are made with.

A recipe is a plain function from a record and a context:

    from hub.recipes.kit import Context, Made, Record, activity, agent, statement

    def badges(record: Record, context: Context) -> Made:
        person = context.lookup("people", record.text("employee_no"))
        ...
        return statement(actor=agent(email), verb=..., object=activity(...), at=record.moment("at"))

It gives a statement, several, a completion, or `Skip` with a reason; it raises `RecordFault`. It
must not read a clock, a file or the network: the same record makes the same statements, always.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from hub.recipes.context import Context, Table
from hub.recipes.faults import RecordFault, Skip
from hub.recipes.record import Record
from hub.xapi.completion import Completion
from hub.xapi.naming import uuid_of

__all__ = [
    "Completion",
    "Context",
    "Made",
    "Recipe",
    "Record",
    "RecordFault",
    "Skip",
    "Table",
    "account",
    "activity",
    "agent",
    "duration",
    "score",
    "session",
    "statement",
    "timestamp",
    "verb",
]

StatementMap = Mapping[str, object]
"""A statement as JSON has it. Without an id it gets one that repeats when the record does."""

Members = dict[str, object]
Made = StatementMap | Sequence[StatementMap] | Completion | Skip
Function = Callable[[Record, Context], Made]

SESSIONS = UUID("8f1b5b0e-5a7c-4c0f-9a3e-6e3a2f1f7b10")
LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe by its name, and what it says of itself."""

    name: str
    make: Function
    about: str = ""
    details: str = ""
    """What it takes, and its options; paragraphs of one line each."""


def agent(email: str, name: str | None = None) -> StatementMap:
    """Name a person by a mailbox."""
    address = email.strip().removeprefix("mailto:")
    return {"mbox": f"mailto:{address}"} | ({"name": name} if name else {})


def account(name: str, home_page: str, shown: str | None = None) -> StatementMap:
    """Name a person by an account: `name` at the system whose address is `home_page`."""
    found: dict[str, object] = {"account": {"name": name, "homePage": home_page}}
    return found | ({"name": shown} if shown else {})


def verb(iri: str, display: str) -> StatementMap:
    """Give a verb with how people read it."""
    return {"id": iri, "display": {LANGUAGE: display}}


def activity(iri: str, type_: str | None = None, name: str | None = None) -> StatementMap:
    """Give an activity, with its type and what people call it."""
    definition: dict[str, object] = {"type": type_} if type_ else {}
    if name:
        definition["name"] = {LANGUAGE: name}
    return {"id": iri} | ({"definition": definition} if definition else {})


def statement(
    *,
    actor: StatementMap,
    verb: StatementMap,
    object: StatementMap,  # noqa: A002  the name of xAPI
    at: datetime | None = None,
    result: StatementMap | None = None,
    context: StatementMap | None = None,
) -> StatementMap:
    """Put a statement together; without `at` it happened when its file landed."""
    made: Members = {"actor": actor, "verb": verb, "object": object}
    if result:
        made["result"] = result
    if context:
        made["context"] = context
    if at is not None:
        made["timestamp"] = timestamp(at)
    return made


def timestamp(moment: datetime) -> str:
    """Write an aware moment as statements have it: UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def duration(seconds: float) -> str:
    """Write a length of time as ISO 8601 has it, such as `PT1H30M`, to a hundredth of a second.

    Raises ValueError for one below 0.
    """
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"a length of time cannot be {seconds} seconds")
    minutes, hundredths = divmod(round(seconds * 100), 6000)
    hours, minutes = divmod(minutes, 60)
    left = f"{hundredths / 100:.2f}".rstrip("0").rstrip(".")
    parts = [f"{hours}H" if hours else "", f"{minutes}M" if minutes else ""]
    parts.append(f"{left}S" if hundredths or not (hours or minutes) else "")
    return "PT" + "".join(parts)


def score(raw: float, *, least: float = 0, most: float = 100) -> StatementMap:
    """Give a score, and scale it to -1 to 1 as xAPI wants it.

    Raises ValueError for one outside of `least` to `most`.
    """
    if not least <= raw <= most or least >= most:
        raise ValueError(f"{raw:g} is not within {least:g} to {most:g}")
    scaled = raw / most if least >= 0 else raw / max(abs(least), abs(most))
    return {"raw": raw, "min": least, "max": most, "scaled": round(scaled, 4)}


def session(*parts: str) -> str:
    """Give the registration that all statements of one session share: a UUID of what names it."""
    return uuid_of(SESSIONS.bytes, "\x1f".join(parts).encode())
