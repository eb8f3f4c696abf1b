"""Programs: who publishes, subscribes and owns integrations. Names are PascalCase here."""

from datetime import datetime, time
from typing import Annotated, Self

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from hub.api.access import CallerOf, ReadableProgram, SystemOf, WritableProgram
from hub.api.emails import Emails, read_emails
from hub.api.errors import NotFound, Unprocessable
from hub.api.house import House, HouseOf
from hub.api.pages import Cursor, Limit, Words
from hub.api.strict import Line, PascalForm, PascalView, Secret, StrictRoute, Url
from hub.api.urls import check_urls
from hub.nightly import Nightly
from hub.registry.parties.programs import Program, ProgramChanges
from hub.xapi.flaw import Flaw
from hub.xapi.words import Pattern

router = APIRouter(tags=["Programs"], route_class=StrictRoute)

ProgramId = Annotated[str, Pattern(r"[A-Za-z0-9_.]{1,25}", "must be 1 to 25 of A-Z a-z 0-9 _ .")]


class NightlyForm(PascalForm):
    """The time of day at which a program is synced by itself."""

    at: Annotated[str, Pattern(r"([01]\d|2[0-3]):[0-5]\d", "must be a time of day such as 02:30")]
    zone: Annotated[str, Field(description="as in the IANA database, such as Europe/Berlin")]


class NightlyView(PascalView):
    """The time of day at which a program is synced by itself."""

    at: str
    zone: str


class NewProgramForm(PascalForm):
    """A program to be."""

    program_id: ProgramId
    name: Line
    lb_api_url: Url | None = None
    lb_api_key: Secret | None = None
    technical_emails: Emails = ""
    nightly_sync: NightlyForm | None = None


class ProgramForm(PascalForm):
    """What is to change of a program. A key left out or blank stays; null ends the schedule."""

    name: Line = ""
    lb_api_url: Url | None = None
    lb_api_key: Secret | None = None
    technical_emails: Emails = ""
    nightly_sync: NightlyForm | None = None


class ProgramView(PascalView):
    """A program. Its LearningBuilder key is never shown."""

    program_id: str
    name: str
    lb_api_url: str | None
    has_lb_api_key: bool
    technical_emails: tuple[str, ...]
    nightly_sync: NightlyView | None
    next_sync_utc: datetime | None
    created_utc: datetime

    @classmethod
    def of(cls, program: Program) -> Self:
        return cls(
            program_id=program.id,
            name=program.name,
            lb_api_url=program.lb_api_url,
            has_lb_api_key=program.has_lb_api_key,
            technical_emails=program.technical_emails,
            nightly_sync=_shown(program.nightly),
            next_sync_utc=program.next_sync_at,
            created_utc=program.created_at,
        )


class ProgramPage(PascalView):
    """Some programs, and the cursor of what follows."""

    model_config = ConfigDict(alias_generator=None)

    items: list[ProgramView]
    next: str | None = Field(description="the cursor of the next page")


@router.post("/programs", status_code=201, response_class=Response)
async def create_program(form: NewProgramForm, caller: SystemOf, house: HouseOf) -> Response:
    """Make a program; needs a SYSTEM key."""
    check_urls(house, {"LbApiUrl": form.lb_api_url})
    await house.programs.create(
        form.program_id,
        form.name,
        lb_api_url=form.lb_api_url,
        lb_api_key=form.lb_api_key or None,
        technical_emails=_emails(form.technical_emails),
        nightly=_nightly(form.nightly_sync),
        by=caller.who,
    )
    return Response(status_code=201, headers={"Location": f"/programs/{form.program_id}"})


@router.get("/programs")
async def list_programs(
    caller: CallerOf,
    house: HouseOf,
    q: Words = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ProgramPage:
    """List the programs that the key may read."""
    only = None if caller.system else caller.programs
    page = await house.programs.list(cursor=cursor, limit=limit, only=only, words=q)
    return ProgramPage(items=[ProgramView.of(one) for one in page.items], next=page.next)


@router.get("/programs/{program_id}")
async def get_program(program_id: ReadableProgram, house: HouseOf) -> ProgramView:
    """Show one program."""
    return ProgramView.of(await _find(house, program_id))


@router.patch("/programs/{program_id}", status_code=204, response_class=Response)
async def change_program(
    program_id: WritableProgram, form: ProgramForm, caller: CallerOf, house: HouseOf
) -> Response:
    """Change what is named; the rest stays as it was."""
    check_urls(house, {"LbApiUrl": form.lb_api_url})
    await house.programs.change(program_id, _changes(form), by=caller.who)
    return Response(status_code=204)


def _changes(form: ProgramForm) -> ProgramChanges:
    changes = ProgramChanges()
    if "name" in form.model_fields_set:
        changes["name"] = form.name
    if "lb_api_url" in form.model_fields_set:
        changes["lb_api_url"] = form.lb_api_url
    if form.lb_api_key:
        changes["lb_api_key"] = form.lb_api_key
    if "technical_emails" in form.model_fields_set:
        changes["technical_emails"] = _emails(form.technical_emails)
    if "nightly_sync" in form.model_fields_set:
        changes["nightly"] = _nightly(form.nightly_sync)
    return changes


def _emails(written: str | list[str] | None) -> tuple[str, ...]:
    return read_emails(written, "TechnicalEmails") if written else ()


def _nightly(form: NightlyForm | None) -> Nightly | None:
    if form is None:
        return None
    try:
        return Nightly(time.fromisoformat(form.at), form.zone)
    except ValueError:
        raise Unprocessable([Flaw("/NightlySync/Zone", "is not a time zone")]) from None


def _shown(nightly: Nightly | None) -> NightlyView | None:
    return NightlyView(at=f"{nightly.at:%H:%M}", zone=nightly.zone) if nightly else None


async def _find(house: House, program_id: str) -> Program:
    program = await house.programs.find(program_id)
    if program is None:
        raise NotFound(f"there is no program {program_id}")
    return program
