"""Completions: one comes in, and each integration of the program gets its statement."""

from collections.abc import AsyncIterator, Sequence

from fastapi import APIRouter, Request

from delivery.integration import IntegrationId
from delivery.statement import Statement, StatementId
from hub.api.access import WritableProgram
from hub.api.house import House, HouseOf
from hub.api.strict import StrictRoute, View
from hub.api.taking import take_in
from hub.registry.integration_records import IntegrationRecord
from hub.registry.providers import ProviderStatus
from hub.xapi.completion import Completion, Skipped, express, read_completions
from hub.xapi.errors import InvalidCompletions
from hub.xapi.flaw import Flaw, point

router = APIRouter(prefix="/api", tags=["Statements"], route_class=StrictRoute)

PROVIDER_DISABLED = Skipped("the provider is disabled")


class AcceptedView(View):
    """A statement that was made of a completion, and will be delivered."""

    completion: int
    integration: str
    statement_id: str


class SkippedView(View):
    """A completion that one integration cannot be told of, and why."""

    completion: int
    integration: str
    reason: str


class CompletionsTaken(View):
    """What became of the completions; they are counted from 0, as they were sent."""

    accepted: list[AcceptedView]
    skipped: list[SkippedView]


@router.post("/programs/{program_id}/completions", status_code=202)
async def post_completions(
    program_id: WritableProgram, request: Request, house: HouseOf
) -> CompletionsTaken:
    """Take a completion or an array of them, and queue a statement for each integration.

    Statement ids come from integration and completion, so repeating a request does no harm.
    """
    completions = read_completions(await request.body(), max_batch=house.limits.max_batch)
    taken = CompletionsTaken(accepted=[], skipped=[])
    async for record in _integrations(house, program_id):
        said = await _express(house, record, completions)
        await take_in(house, record.id, _each_once(said))
        _note(taken, record.id, said)
    return taken


async def _integrations(house: House, program_id: str) -> AsyncIterator[IntegrationRecord]:
    cursor = None
    while True:
        page = await house.integrations.list(program_id, cursor=cursor)
        for record in page.items:
            yield record
        if page.next is None:
            return
        cursor = page.next


async def _express(
    house: House, record: IntegrationRecord, completions: Sequence[Completion]
) -> list[Statement | Skipped]:
    provider = await house.providers.find(record.provider)
    if provider is None or provider.status is ProviderStatus.DISABLED:
        return [PROVIDER_DISABLED for _ in completions]
    return [express(one, provider.rules, record.id) for one in completions]


def _each_once(said: Sequence[Statement | Skipped]) -> list[Statement]:
    """Give each statement once, though a completion may stand twice in a request."""
    found: dict[StatementId, Statement] = {}
    for number, one in enumerate(said):
        if isinstance(one, Skipped):
            continue
        if found.setdefault(one.id, one).digest != one.digest:
            flaw = Flaw(point(number, "id"), "stands twice, with different content")
            raise InvalidCompletions([flaw])
    return list(found.values())


def _note(
    taken: CompletionsTaken, integration: IntegrationId, said: Sequence[Statement | Skipped]
) -> None:
    for number, one in enumerate(said):
        match one:
            case Skipped(reason):
                skipped = SkippedView(completion=number, integration=integration, reason=reason)
                taken.skipped.append(skipped)
            case Statement(id=id_):
                accepted = AcceptedView(
                    completion=number, integration=integration, statement_id=id_
                )
                taken.accepted.append(accepted)
