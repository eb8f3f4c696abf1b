"""Completions: one comes in, and each integration of the program gets its statement."""

from fastapi import APIRouter, Request

from delivery.facts.statement import Statement
from hub.api.access import WritableProgram
from hub.api.house import HouseOf
from hub.api.strict import StrictRoute, View
from hub.completions import Wording
from hub.xapi.completion import Skipped, read_completions

router = APIRouter(prefix="/api", tags=["Statements"], route_class=StrictRoute)


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
    async for wording in house.wordings.each(program_id, completions):
        await house.taking.take_in(wording.integration_id, wording.statements())
        _note(taken, wording)
    return taken


def _note(taken: CompletionsTaken, wording: Wording) -> None:
    integration = wording.integration_id
    for number, one in enumerate(wording.said):
        match one:
            case Skipped(reason):
                skipped = SkippedView(completion=number, integration=integration, reason=reason)
                taken.skipped.append(skipped)
            case Statement(id=id_):
                accepted = AcceptedView(
                    completion=number, integration=integration, statement_id=id_
                )
                taken.accepted.append(accepted)
