"""Subscriptions: who receives whose events, and the templates that make rows of them. PascalCase.

Heuristics staff establish them, so writing needs a SYSTEM key; a subscriber reads its own.
"""

from datetime import datetime
from typing import Annotated, Any, Self

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from hub.api.access import ReadableProgram, SystemOf
from hub.api.errors import Unprocessable
from hub.api.house import House, HouseOf
from hub.api.moments import GivenMoment
from hub.api.programs import ProgramId
from hub.api.strict import PascalForm, PascalView, StrictRoute
from hub.api.template_checks import read_map, try_templates
from hub.errors import UnknownProgram, UnknownSubscription
from hub.registry.clearing_house.subscriptions import Subscription, SubscriptionChanges
from hub.xapi.flaw import Flaw

TEMPLATE = "/LbApiPayloadTemplate"
MOST_WAITING = 1000
"""In a list: so many events that wait are counted for each subscription."""

router = APIRouter(tags=["Subscriptions"], route_class=StrictRoute)

Template = Annotated[
    Any,  # read by hub.templates, which says what is wrong in its own words
    Field(description="templates by category, as an object or a string that holds one"),
]


Counted = Annotated[bool, Query(description="count also what waits")]


class NewSubscriptionForm(PascalForm):
    """A subscription to be."""

    publisher_program_id: ProgramId
    sync_enabled: bool = True
    lb_api_payload_template: Template


class SubscriptionForm(PascalForm):
    """What is to change. Setting LastSyncUtc back, or to null, sends again what came after it."""

    last_sync_utc: GivenMoment | None = None
    sync_enabled: bool = True
    lb_api_payload_template: Template = None


class SubscriptionView(PascalView):
    """A subscription."""

    program_id: str
    publisher_program_id: str
    created_utc: datetime
    last_sync_utc: datetime | None
    sync_enabled: bool
    lb_api_payload_template: dict[str, Any]
    waiting: int | None = Field(
        default=None,
        description=f"events after LastSyncUtc, if they were to be counted; up to {MOST_WAITING:,}",
    )
    """Only there where it was asked for: a subscription itself has six facts."""

    @classmethod
    def of(cls, subscription: Subscription, waiting: int | None = None) -> Self:
        return cls(
            program_id=subscription.program_id,
            publisher_program_id=subscription.publisher_program_id,
            created_utc=subscription.created_at,
            last_sync_utc=subscription.last_sync_at,
            sync_enabled=subscription.sync_enabled,
            lb_api_payload_template=orjson.loads(subscription.template),
            **({} if waiting is None else {"waiting": waiting}),
        )


class SubscriberView(PascalView):
    """Somebody who receives what a program publishes."""

    program_id: str
    created_utc: datetime = Field(description="since when")

    @classmethod
    def of(cls, subscription: Subscription) -> Self:
        return cls(program_id=subscription.program_id, created_utc=subscription.created_at)


@router.get("/programs/{program_id}/eventSubs", response_model_exclude_unset=True)
async def list_subscriptions(
    program_id: ReadableProgram,
    house: HouseOf,
    *,
    counted: Counted = False,
) -> list[SubscriptionView]:
    """List what a program is subscribed to."""
    found = await house.subscriptions.list(program_id)
    if not counted:
        return [SubscriptionView.of(one) for one in found]
    return [SubscriptionView.of(one, await _waiting(house, one)) for one in found]


@router.get("/programs/{program_id}/subscribers")
async def list_subscribers(program_id: ReadableProgram, house: HouseOf) -> list[SubscriberView]:
    """List who is subscribed to a program: who receives what it publishes."""
    return [SubscriberView.of(one) for one in await house.subscriptions.of_publisher(program_id)]


@router.post("/programs/{program_id}/eventSubs", status_code=201, response_class=Response)
async def create_subscription(
    program_id: ReadableProgram, form: NewSubscriptionForm, caller: SystemOf, house: HouseOf
) -> Response:
    """Subscribe a program to another; needs a SYSTEM key. Its templates are tried first."""
    publisher = form.publisher_program_id
    if publisher == program_id:
        raise Unprocessable([Flaw("/PublisherProgramId", "is the subscriber itself")])
    if await house.programs.find(publisher) is None:
        raise UnknownProgram(f"there is no program {publisher}")
    await house.subscriptions.create(
        program_id,
        publisher,
        sync_enabled=form.sync_enabled,
        template=await _tried(house, form.lb_api_payload_template, publisher),
        by=caller.who,
    )
    place = f"/programs/{program_id}/eventSubs/{publisher}"
    return Response(status_code=201, headers={"Location": place})


@router.get("/programs/{program_id}/eventSubs/{publisher_id}", response_model_exclude_unset=True)
async def get_subscription(
    program_id: ReadableProgram, publisher_id: str, house: HouseOf
) -> SubscriptionView:
    """Show one subscription."""
    return SubscriptionView.of(await find_subscription(house, program_id, publisher_id))


@router.patch(
    "/programs/{program_id}/eventSubs/{publisher_id}", status_code=204, response_class=Response
)
@router.put(
    "/programs/{program_id}/eventSubs/{publisher_id}", status_code=204, response_class=Response
)
async def change_subscription(
    program_id: ReadableProgram,
    publisher_id: str,
    form: SubscriptionForm,
    caller: SystemOf,
    house: HouseOf,
) -> Response:
    """Change what is named; the rest stays as it was. Needs a SYSTEM key."""
    await find_subscription(house, program_id, publisher_id)
    changes = await _changes(house, form, publisher_id)
    await house.subscriptions.change(program_id, publisher_id, changes, by=caller.who)
    return Response(status_code=204)


@router.delete(
    "/programs/{program_id}/eventSubs/{publisher_id}", status_code=204, response_class=Response
)
async def delete_subscription(
    program_id: ReadableProgram, publisher_id: str, caller: SystemOf, house: HouseOf
) -> Response:
    """End a subscription; needs a SYSTEM key. The events stay with their publisher."""
    await find_subscription(house, program_id, publisher_id)
    await house.subscriptions.delete(program_id, publisher_id, by=caller.who)
    return Response(status_code=204)


async def find_subscription(house: House, program_id: str, publisher_id: str) -> Subscription:
    """Find one. Raises UnknownSubscription."""
    found = await house.subscriptions.find(program_id, publisher_id)
    if found is None:
        raise UnknownSubscription(f"{program_id} is not subscribed to {publisher_id}")
    return found


async def _waiting(house: House, one: Subscription) -> int:
    counts = await house.events.count(
        one.publisher_program_id, after=one.last_sync_at, most=MOST_WAITING
    )
    return sum(counts.values())


async def _changes(house: House, form: SubscriptionForm, publisher: str) -> SubscriptionChanges:
    changes = SubscriptionChanges()
    if "last_sync_utc" in form.model_fields_set:
        changes["last_sync_at"] = _last_sync(house, form.last_sync_utc)
    if "sync_enabled" in form.model_fields_set:
        changes["sync_enabled"] = form.sync_enabled
    if "lb_api_payload_template" in form.model_fields_set:
        changes["template"] = await _tried(house, form.lb_api_payload_template, publisher)
    return changes


def _last_sync(house: House, moment: datetime | None) -> datetime | None:
    if moment is not None and moment > house.clock():
        # Events that are still to come would be skipped for ever.
        raise Unprocessable([Flaw("/LastSyncUtc", "lies in the future")])
    return moment


async def _tried(house: House, written: object, publisher: str) -> str:
    templates = read_map(written, TEMPLATE)
    await try_templates(templates, house.renderer, house.events, publisher, TEMPLATE)
    return written if isinstance(written, str) else orjson.dumps(written).decode()
