"""Integrations: made, shown, changed and deleted. A secret goes in and never comes out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from delivery.facts.integration import IntegrationId
from delivery.facts.status import Brief, Health, Status
from hub.api.access import (
    CallerOf,
    DeletableIntegration,
    ReadableIntegration,
    ReadableProgram,
    WritableIntegration,
    WritableProgram,
)
from hub.api.applying import activity_of, apply, briefly, health
from hub.api.histories import HourView
from hub.api.house import House, HouseOf
from hub.api.integration_forms import (
    IntegrationForm,
    NewIntegrationForm,
    changes_of,
    check_provider,
    new_of,
    urls_of,
)
from hub.api.pages import Cursor, Limit
from hub.api.preconditions import IfMatch, revision_of
from hub.api.strict import StrictRoute, View
from hub.api.urls import check_urls
from hub.registry.parties.integration_records import IntegrationRecord
from hub.registry.sql.paging import Page

router = APIRouter(prefix="/api", tags=["Integrations"], route_class=StrictRoute)
everybody = APIRouter(prefix="/api/integrations", tags=["Integrations"], route_class=StrictRoute)
one = APIRouter(
    prefix="/api/integrations/{integration_id}", tags=["Integrations"], route_class=StrictRoute
)


LOOKED_AT_ONCE, MOST_LOOKED_AT = 500, 1000
Words = Annotated[
    str, Query(max_length=200, description="what the name, or the provider's name or id, contains")
]
WantedActivity = Annotated[bool, Query(description="with the `activity` of each")]
WantedState = Annotated[
    Literal["flowing", "down", "refused", "disabled", "parked"] | None,
    Query(description="how the delivery stands; `parked`: with statements set aside"),
]


class HealthView(View):
    """How the delivery of an integration stands."""

    model_config = ConfigDict(from_attributes=True)

    status: Status
    since: datetime | None
    reason: str | None
    next_attempt_at: datetime | None
    queued: int
    parked: int
    oldest_queued_at: datetime | None
    last_delivered_at: datetime | None
    last_alert_at: datetime | None


class IntegrationView(View):
    """An integration, without its secrets. Its health is null while Redis cannot be asked."""

    id: str
    program_id: str
    name: str
    provider: str
    provider_name: str
    technical_emails: tuple[str, ...]
    statement_url: str
    authentication_url: str
    client_id: str
    has_client_secret: bool
    has_refresh_token: bool
    status: Literal["active", "disabled"]
    batch_size: int | None
    concurrency: int | None
    scope: str | None
    version: int
    revision: int
    created_at: datetime
    updated_at: datetime
    health: HealthView | None
    activity: list[HourView] | None = Field(
        None, description="the last 24 hours, the present one last; null unless asked for"
    )

    @classmethod
    def of(cls, record: IntegrationRecord, provider_name: str, found: Health | None) -> Self:
        return cls(
            id=record.id,
            program_id=record.program_id,
            name=record.name,
            provider=record.provider,
            provider_name=provider_name,
            technical_emails=record.technical_emails,
            statement_url=record.statement_url,
            authentication_url=record.authentication_url,
            client_id=record.client_id,
            has_client_secret=record.has_client_secret,
            has_refresh_token=record.has_refresh_token,
            status="active" if record.enabled else "disabled",
            batch_size=record.batch_size,
            concurrency=record.concurrency,
            scope=record.scope,
            version=record.version,
            revision=record.revision,
            created_at=record.created_at,
            updated_at=record.updated_at,
            health=None if found is None else HealthView.model_validate(found),
        )


class IntegrationPage(View):
    """Some integrations, and the cursor of what follows."""

    items: list[IntegrationView]
    next: str | None
    total: int | None = Field(
        None, description="on all pages; null where a state or all programs are asked for"
    )


@router.post("/programs/{program_id}/integrations", status_code=201)
async def create_integration(
    program_id: WritableProgram,
    form: NewIntegrationForm,
    caller: CallerOf,
    house: HouseOf,
    response: Response,
) -> IntegrationView:
    """Connect a program to a provider; one integration for each pair of them."""
    check_urls(house, urls_of(form))
    await check_provider(house, form.provider)
    record = await house.integrations.create(program_id, new_of(form), by=caller.who)
    await apply(house, [record.id])
    response.headers["Location"] = f"{house.public_url}/api/integrations/{record.id}"
    return await _show(house, record, response)


@everybody.get("")
async def list_all_integrations(
    caller: CallerOf, house: HouseOf, limit: Limit = 100, cursor: Cursor = None
) -> IntegrationPage:
    """List the integrations of all programs that the key may read, oldest first."""
    only = None if caller.system else caller.programs
    page = await house.integrations.list(only, cursor=cursor, limit=limit)
    return await _page(house, page)


@router.get("/programs/{program_id}/integrations")
async def list_integrations(
    program_id: ReadableProgram,
    house: HouseOf,
    q: Words = "",
    state: WantedState = None,
    activity: WantedActivity = False,  # noqa: FBT002  a query parameter
    limit: Limit = 100,
    cursor: Cursor = None,
) -> IntegrationPage:
    """List the integrations of a program, oldest first.

    With `state`, at most 1,000 are looked at for a page: it may hold few, or none, and yet `next`.
    """
    if state is not None:
        found = await _in_state(house, program_id, q, state, limit=limit, cursor=cursor)
    else:
        page = await house.integrations.list({program_id}, words=q, cursor=cursor, limit=limit)
        found = await _page(house, page)
        found.total = await house.integrations.count({program_id}, words=q)
    return await _with_activity(house, found) if activity else found


@one.get("")
async def get_integration(
    record: ReadableIntegration, house: HouseOf, response: Response
) -> IntegrationView:
    """Show one integration and how its delivery stands."""
    return await _show(house, record, response)


@one.patch("")
async def change_integration(
    record: WritableIntegration,
    form: IntegrationForm,
    caller: CallerOf,
    house: HouseOf,
    response: Response,
    if_match: IfMatch = None,
) -> IntegrationView:
    """Change what is named. New addresses or credentials release what was refused or parked."""
    check_urls(house, urls_of(form))
    changed = await house.integrations.change(
        record.id, changes_of(form), by=caller.who, expected_revision=revision_of(if_match)
    )
    await apply(house, [record.id])
    return await _show(house, changed, response)


@one.delete("", status_code=204, response_class=Response)
async def delete_integration(
    record: DeletableIntegration,
    caller: CallerOf,
    house: HouseOf,
    discard: Annotated[bool, Query(description="throw away what still waits")] = False,  # noqa: FBT002  a query parameter
) -> Response:
    """Delete an integration and its queue; with statements waiting only if `discard` is said."""
    await house.upkeep.delete(record.id, discard=discard, by=caller.who)
    house.known.forget(record.id)
    return Response(status_code=204)


async def _in_state(
    house: House, program_id: str, words: str, state: str, *, limit: int, cursor: str | None
) -> IntegrationPage:
    found: list[IntegrationRecord] = []
    for _ in range(MOST_LOOKED_AT // LOOKED_AT_ONCE):
        page = await house.integrations.list(
            {program_id}, words=words, cursor=cursor, limit=LOOKED_AT_ONCE
        )
        stands = await briefly(house, [record.id for record in page.items])
        for record in page.items:
            if _is(state, stands.get(record.id)):
                found.append(record)
            if len(found) == limit:
                following = house.integrations.cursor_behind(record)
                return await _page(house, Page(tuple(found), following))
        cursor = page.next
        if cursor is None:
            break
    return await _page(house, Page(tuple(found), cursor))


def _is(state: str, found: Brief | None) -> bool:
    if found is None:
        return False
    return found.has_parked if state == "parked" else found.status == state


async def _with_activity(house: House, page: IntegrationPage) -> IntegrationPage:
    hours = await activity_of(house, [IntegrationId(item.id) for item in page.items])
    for item in page.items:
        if item.id in hours:
            item.activity = [HourView.of(hour) for hour in hours[IntegrationId(item.id)]]
    return page


async def _page(house: House, page: Page[IntegrationRecord]) -> IntegrationPage:
    return IntegrationPage(items=await _shown(house, page.items), next=page.next)


async def _show(house: House, record: IntegrationRecord, response: Response) -> IntegrationView:
    response.headers["ETag"] = f'"{record.revision}"'
    (shown,) = await _shown(house, [record])
    return shown


async def _shown(house: House, records: Sequence[IntegrationRecord]) -> list[IntegrationView]:
    found = await health(house, [record.id for record in records])
    names = await house.providers.names({record.provider for record in records})
    return [
        IntegrationView.of(record, names.get(record.provider, ""), found.get(record.id))
        for record in records
    ]
