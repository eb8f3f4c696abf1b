"""Trying an integration on purpose: a made-up statement, sent now, and what came of each step."""

import json
from typing import Self

import msgspec
from fastapi import APIRouter
from pydantic import ConfigDict, Field, JsonValue

from delivery.outcome import Answer
from delivery.rehearsal import Rehearsed
from delivery.statement import Statement
from hub.api.access import WritableIntegration
from hub.api.errors import NotFound, Unprocessable
from hub.api.house import House, HouseOf
from hub.api.strict import Form, StrictRoute, View
from hub.registry.integration_records import IntegrationRecord
from hub.xapi.completion import Skipped, express, made_up
from hub.xapi.errors import InvalidStatements
from hub.xapi.flaw import Flaw
from hub.xapi.reading import read, timestamp
from hub.xapi.rules import Rules

router = APIRouter(
    prefix="/api/integrations/{integration_id}", tags=["Integrations"], route_class=StrictRoute
)


class RehearsalForm(Form):
    """What the made-up statement should say instead: each member replaces the made-up one."""

    statement: dict[str, JsonValue] = Field(default_factory=dict)


class StepView(View):
    """One step on the way, and how it went."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    ok: bool
    status: int | None
    detail: str
    milliseconds: int


class ResponseView(View):
    """The last answer that a server gave."""

    status: int
    headers: dict[str, str]
    body: str

    @classmethod
    def of(cls, answer: Answer) -> Self:
        return cls(status=answer.status, headers=dict(answer.headers), body=answer.body)


class RehearsalView(View):
    """What was sent, how far it came, and what was answered. Secrets are masked."""

    statement: dict[str, JsonValue]
    steps: list[StepView]
    response: ResponseView | None

    @classmethod
    def of(cls, statement: Statement, rehearsed: Rehearsed) -> Self:
        return cls(
            statement=json.loads(statement.body),
            steps=[StepView.model_validate(step) for step in rehearsed.steps],
            response=None if rehearsed.response is None else ResponseView.of(rehearsed.response),
        )


@router.post("/test")
async def rehearse(
    record: WritableIntegration, house: HouseOf, form: RehearsalForm | None = None
) -> RehearsalView:
    """Send one made-up statement now, outside of queue, alerts and status."""
    overrides = form.statement if form else {}
    statement = await _statement(house, record, overrides)
    integration = await house.integrations.find(record.id)
    if integration is None:
        raise NotFound(f"there is no integration {record.id}")
    return RehearsalView.of(statement, await house.rehearsal.run(integration, statement.body))


async def _statement(
    house: House, record: IntegrationRecord, overrides: dict[str, JsonValue]
) -> Statement:
    known = await house.known.find(record.id)
    if known is None:
        raise NotFound(f"there is no integration {record.id}")
    written = _example(house, record, known.rules) | overrides
    try:
        (statement,) = read(
            msgspec.json.encode(written), known.rules, now=house.clock(), max_batch=1
        )
    except InvalidStatements as error:
        raise Unprocessable(
            [Flaw(f"/statement{flaw.pointer}", flaw.detail) for flaw in error.errors]
        ) from error
    return statement


def _example(house: House, record: IntegrationRecord, rules: Rules) -> dict[str, JsonValue]:
    completion = made_up(rules, at=timestamp(house.clock()))
    match express(completion, rules, record.id):
        case Skipped(reason):
            raise Unprocessable([Flaw("", reason)])
        case Statement(body=body):
            # A new id each time, or an LRS takes the second rehearsal for a repeat of the first.
            members: dict[str, JsonValue] = json.loads(body)
            del members["id"]
            return members
