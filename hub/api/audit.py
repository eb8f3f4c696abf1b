"""The audit over HTTP: who changed what, and when. Of secrets it tells only that they changed.

A program's own is for whoever may read the program; the whole of it is for SYSTEM keys.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query
from pydantic import Field, JsonValue

from hub.api.access import ReadableProgram, SystemOf
from hub.api.house import House, HouseOf
from hub.api.pages import Cursor, Limit
from hub.api.strict import Moment, StrictRoute, View
from hub.registry.trust.audit import AuditEntry

router = APIRouter(prefix="/api/audit", tags=["Audit"], route_class=StrictRoute)
of_program = APIRouter(
    prefix="/api/programs/{program_id}/audit", tags=["Audit"], route_class=StrictRoute
)


WORDS = r"^[^\x00-\x1f\x7f]+$"
Kind = Annotated[str | None, Query(max_length=20, pattern=WORDS, description="`integration`, ...")]
Subject = Annotated[
    str | None, Query(max_length=200, pattern=WORDS, description="the id of what was changed")
]
By = Annotated[
    str | None,
    Query(max_length=300, pattern=WORDS, description="a user id, or `by` of an entry"),
]
Since = Annotated[Moment | None, Query(description="not before")]
Until = Annotated[Moment | None, Query(description="before")]
ProgramId = Annotated[
    str | None,
    Query(alias="programId", max_length=25, pattern=WORDS, description="only of this program"),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which changes are asked for."""

    kind: Kind = None
    subject: Subject = None
    by: By = None
    since: Since = None
    until: Until = None
    limit: Limit = 100
    cursor: Cursor = None


AskedOf = Annotated[Asked, Depends()]


class EntryView(View):
    """One change. `subject` is the id of what was changed, `kind` says what that is."""

    id: int
    at: datetime
    by: str = Field(description="the user and the key, or `hub` for what it did by itself")
    action: str
    kind: str
    subject: str
    program_id: str | None
    changes: dict[str, JsonValue] = Field(
        description='by field: `{"before", "after"}`; of a secret only `"changed"`'
    )

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        return cls(
            id=entry.id,
            at=entry.at,
            by=entry.by,
            action=entry.action,
            kind=entry.kind,
            subject=entry.subject,
            program_id=entry.program_id,
            changes=dict(entry.changes),
        )


class EntryPage(View):
    """Some changes, and the cursor of what follows."""

    items: list[EntryView]
    next: str | None


@router.get("")
async def list_audit(
    _: SystemOf, house: HouseOf, asked: AskedOf, program_id: ProgramId = None
) -> EntryPage:
    """List who changed what, newest first; needs a SYSTEM key."""
    return await _page(house, asked, program_id)


@of_program.get("")
async def list_audit_of_program(
    program_id: ReadableProgram, house: HouseOf, asked: AskedOf
) -> EntryPage:
    """List who changed what of a program, newest first."""
    return await _page(house, asked, program_id)


async def _page(house: House, asked: Asked, program_id: str | None) -> EntryPage:
    page = await house.audit.list(**asdict(asked), program_id=program_id)
    return EntryPage(items=[EntryView.of(one) for one in page.items], next=page.next)
