"""Programs: who publishes, subscribes and owns integrations. Names are PascalCase here."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from hub.api.access import CallerOf, ReadableProgram, WritableProgram, require_system
from hub.api.errors import NotFound
from hub.api.house import House, HouseOf
from hub.api.pages import Cursor, Limit
from hub.api.strict import Line, PascalForm, PascalView, Secret, StrictRoute, Url
from hub.api.urls import check_urls
from hub.registry.programs import Program, ProgramChanges
from hub.xapi.words import Pattern

router = APIRouter(tags=["Programs"], route_class=StrictRoute)

ProgramId = Annotated[str, Pattern(r"[A-Za-z0-9_.]{1,25}", "must be 1 to 25 of A-Z a-z 0-9 _ .")]


class NewProgramForm(PascalForm):
    """A program to be."""

    program_id: ProgramId
    name: Line
    lb_api_url: Url | None = None
    lb_api_key: Secret | None = None


class ProgramForm(PascalForm):
    """What is to change of a program. A key left out or blank stays as it was."""

    name: Line = ""
    lb_api_url: Url | None = None
    lb_api_key: Secret | None = None


class ProgramView(PascalView):
    """A program. Its LearningBuilder key is never shown."""

    program_id: str
    name: str
    lb_api_url: str | None
    has_lb_api_key: bool
    created_utc: datetime

    @classmethod
    def of(cls, program: Program) -> Self:
        return cls(
            program_id=program.id,
            name=program.name,
            lb_api_url=program.lb_api_url,
            has_lb_api_key=program.has_lb_api_key,
            created_utc=program.created_at,
        )


class ProgramPage(PascalView):
    """Some programs, and the cursor of what follows."""

    model_config = ConfigDict(alias_generator=None)

    items: list[ProgramView]
    next: str | None = Field(description="the cursor of the next page")


@router.post("/programs", status_code=201, response_class=Response)
async def create_program(form: NewProgramForm, caller: CallerOf, house: HouseOf) -> Response:
    """Make a program; needs a SYSTEM key."""
    require_system(caller)
    check_urls(house, {"LbApiUrl": form.lb_api_url})
    await house.programs.create(
        form.program_id,
        form.name,
        lb_api_url=form.lb_api_url,
        lb_api_key=form.lb_api_key or None,
        by=caller.who,
    )
    return Response(status_code=201, headers={"Location": f"/programs/{form.program_id}"})


@router.get("/programs")
async def list_programs(
    caller: CallerOf, house: HouseOf, limit: Limit = 100, cursor: Cursor = None
) -> ProgramPage:
    """List the programs that the key may read."""
    only = None if caller.system else caller.programs
    page = await house.programs.list(cursor=cursor, limit=limit, only=only)
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
    return changes


async def _find(house: House, program_id: str) -> Program:
    program = await house.programs.find(program_id)
    if program is None:
        raise NotFound(f"there is no program {program_id}")
    return program
