"""Event completions: by which template a program's events become statements. Names are PascalCase.

What a learner has completed, an event of the type AI_COMP_SUCCESS, is made into a completion, and
each integration of the program gets its statement.
"""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field, StringConstraints

from hub.api.access import CallerOf, ReadableProgram, WritableProgram
from hub.api.errors import Unprocessable
from hub.api.house import House, HouseOf
from hub.api.moments import GivenMoment
from hub.api.pages import Cursor, Limit
from hub.api.strict import PascalForm, PascalView, StrictRoute
from hub.api.template_checks import BadTemplates
from hub.conversion.converter import FAILURES
from hub.conversion.making import objection
from hub.errors import UnknownConversion
from hub.registry.clearing_house.event_completions import Conversion, Counts, Failure
from hub.registry.parties.notices import NoticeKind
from hub.xapi.flaw import Flaw
from hub.xapi.words import Pattern

router = APIRouter(
    prefix="/programs/{program_id}/eventCompletions",
    tags=["Event completions"],
    route_class=StrictRoute,
)

TRIED_ON = 5
MOST_COUNTED = "counted up to 10,000"


Template = Annotated[str, StringConstraints(min_length=1)]


OneEvent = Annotated[
    Annotated[str, Pattern(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,154}", "must be an EventId")]
    | None,
    Query(alias="eventId", description="only this event"),
]


class EventCompletionsForm(PascalForm):
    """How events are to become completions."""

    template: Template = Field(
        description="Handlebars over PublisherEventData and @event that makes one completion: "
        "learner, course, and if it is not the end of the event, completedAt"
    )
    since_utc: GivenMoment | None = Field(
        None,
        description="convert what was created after this; by default what is created from now on, "
        "and when the template is changed, what has not been converted yet",
    )


class EventCompletionsView(PascalView):
    """How events become completions, and how far that has got."""

    program_id: str
    template: str
    through_utc: datetime = Field(description="what was created after this is still to be done")
    changed_utc: datetime
    waiting: int = Field(description=f"events that are still to be converted, {MOST_COUNTED}")
    failures: int = Field(description=f"events that were set aside, {MOST_COUNTED}")

    @classmethod
    def of(cls, conversion: Conversion, counts: Counts) -> Self:
        return cls(
            program_id=conversion.program_id,
            template=conversion.template,
            through_utc=conversion.through,
            changed_utc=conversion.changed_at,
            waiting=counts.waiting,
            failures=counts.failures,
        )


class FailureView(PascalView):
    """An event that was set aside; it is tried again when the template is saved."""

    event_id: str
    created_utc: datetime = Field(description="when the event was created")
    failed_utc: datetime
    reason: str

    @classmethod
    def of(cls, failure: Failure) -> Self:
        return cls(
            event_id=failure.event_id,
            created_utc=failure.event_created_at,
            failed_utc=failure.at,
            reason=failure.reason,
        )


class FailurePage(PascalView):
    """Some failures, and the cursor of what follows."""

    model_config = ConfigDict(alias_generator=None)

    items: list[FailureView]
    next: str | None = Field(description="the cursor of the next page")


@router.get("")
async def get_event_completions(
    program_id: ReadableProgram, house: HouseOf
) -> EventCompletionsView:
    """Show how events become completions, and how far that has got."""
    conversion = await _find(house, program_id)
    return EventCompletionsView.of(conversion, await house.event_completions.counts(conversion))


@router.put("", status_code=204, response_class=Response)
async def save_event_completions(
    program_id: WritableProgram, form: EventCompletionsForm, caller: CallerOf, house: HouseOf
) -> Response:
    """Convert events by this template from now on; what was set aside is tried again.

    The template is compiled, and tried on the newest events. Setting SinceUtc back makes the same
    statements again, with the same ids: those that are still remembered are not sent twice.
    """
    await _check(house, program_id, form.template)
    await house.event_completions.save(
        program_id, form.template, since=form.since_utc, by=caller.who
    )
    return Response(status_code=204)


@router.delete("", status_code=204, response_class=Response)
async def delete_event_completions(
    program_id: WritableProgram, caller: CallerOf, house: HouseOf
) -> Response:
    """Convert no more events; what was delivered stays delivered."""
    await house.event_completions.delete(program_id, by=caller.who)
    await house.notices.withdraw(program_id, NoticeKind.COMPLETIONS, FAILURES)
    return Response(status_code=204)


@router.get("/failures")
async def list_failures(
    program_id: ReadableProgram,
    house: HouseOf,
    event: OneEvent = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> FailurePage:
    """List the events that were set aside, the newest first."""
    await _find(house, program_id)
    page = await house.event_completions.failures(
        program_id, event_id=event, cursor=cursor, limit=limit
    )
    return FailurePage(items=[FailureView.of(one) for one in page.items], next=page.next)


async def _find(house: House, program_id: str) -> Conversion:
    conversion = await house.event_completions.find(program_id)
    if conversion is None:
        raise UnknownConversion(f"the events of {program_id} are not made into completions")
    return conversion


async def _check(house: House, program_id: str, template: str) -> None:
    fault = await house.renderer.check(template)
    if fault is not None:
        raise BadTemplates([Flaw("/Template", str(fault))], fault)
    newest = await house.event_completions.newest(program_id, limit=TRIED_ON)
    found = [await house.events.find(event_id) for event_id in newest]
    events = [event for event in found if event is not None]
    if reason := await objection(house.renderer, template, events):
        raise Unprocessable([Flaw("/Template", reason)])
