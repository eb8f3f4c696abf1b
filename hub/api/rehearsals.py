"""Trying an integration on purpose: a made-up statement, sent now, and what came of each step."""

import json
from typing import Annotated, Self

import msgspec
from fastapi import APIRouter
from pydantic import ConfigDict, Field, JsonValue

from delivery.facts.integration import Integration, IntegrationId
from delivery.facts.outcome import Answer
from delivery.facts.statement import Statement
from delivery.work.rehearsal import Rehearsed
from hub.api.access import CallerOf, ReadableIntegration, WritableIntegration, WritableProgram
from hub.api.errors import NotFound, Unprocessable
from hub.api.house import House, HouseOf
from hub.api.integration_forms import (
    IntegrationForm,
    NewIntegrationForm,
    changes_of,
    check_provider,
    new_of,
    urls_of,
)
from hub.api.strict import Form, StrictRoute, View
from hub.api.urls import check_urls
from hub.registry.parties.caller import Caller
from hub.xapi.completion import Skipped, express, made_up
from hub.xapi.errors import InvalidStatements
from hub.xapi.flaw import Flaw
from hub.xapi.reading import read, timestamp
from hub.xapi.rules import Rules

router = APIRouter(
    prefix="/api/integrations/{integration_id}", tags=["Integrations"], route_class=StrictRoute
)
of_program = APIRouter(
    prefix="/api/programs/{program_id}/integrations", tags=["Integrations"], route_class=StrictRoute
)


Overrides = Annotated[
    dict[str, JsonValue],
    Field(description="what the made-up statement should say instead: each member replaces one"),
]
PER_SECOND, BURST = 0.5, 20
"""By key: what customers choose is reached from here, and nobody shall look for open ports so."""
USED_UP = (
    "may be used up by a test, before it is kept: save it (disabled, if you like), and test then"
)


class RehearsalForm(Form):
    """What is tried: the integration as it is, or as it would be with some changes."""

    statement: Overrides = Field(default_factory=dict)
    changes: IntegrationForm | None = None


class NewRehearsalForm(Form):
    """An integration that is not there yet, to be tried."""

    integration: NewIntegrationForm
    statement: Overrides = Field(default_factory=dict)


class StepView(View):
    """One step on the way, and how it went."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    ok: bool
    status: int | None
    detail: str
    milliseconds: int
    hint: str | None = Field(description="what may be wrong, if it failed, and what to do")


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


class ExampleView(View):
    """The statement that a test makes up, but for its id."""

    statement: dict[str, JsonValue]


@router.get("/test")
async def show_example(record: ReadableIntegration, house: HouseOf) -> ExampleView:
    """Show the statement that a test makes up, as the provider wants it; nothing is sent."""
    rules = await _rules(house, record.provider)
    return ExampleView(statement=_example(house, record.id, rules))


@router.post("/test")
async def rehearse(
    record: WritableIntegration,
    caller: CallerOf,
    house: HouseOf,
    form: RehearsalForm | None = None,
) -> RehearsalView:
    """Send one made-up statement now, outside of queue, alerts and status.

    With `changes`, as if they were saved; nothing is kept of them.
    """
    said = form or RehearsalForm()
    changes = changes_of(said.changes) if said.changes else {}
    if said.changes:
        check_urls(house, urls_of(said.changes), below="/changes")
    _refuse_refresh_token("/changes/refreshToken", changes.get("refresh_token"))
    integration = await house.integrations.would_become(record.id, changes)
    return await _rehearse(house, caller, integration, said.statement)


@of_program.post("/test")
async def rehearse_new(
    program_id: WritableProgram, form: NewRehearsalForm, caller: CallerOf, house: HouseOf
) -> RehearsalView:
    """Try an integration before it is made: the same, and nothing is kept."""
    check_urls(house, urls_of(form.integration), below="/integration")
    await check_provider(house, form.integration.provider, below="/integration")
    _refuse_refresh_token("/integration/refreshToken", form.integration.refresh_token)
    integration = await house.integrations.would_be(program_id, new_of(form.integration))
    return await _rehearse(house, caller, integration, form.statement)


def _refuse_refresh_token(pointer: str, refresh_token: str | None) -> None:
    if refresh_token:
        raise Unprocessable([Flaw(pointer, USED_UP)])


async def _rehearse(
    house: House, caller: Caller, integration: Integration, overrides: dict[str, JsonValue]
) -> RehearsalView:
    rules = await _rules(house, integration.provider)
    statement = _statement(house, integration.id, rules, overrides)
    house.rehearsal_rates.spend(caller.key_id, house.clock(), per_second=PER_SECOND, burst=BURST)
    return RehearsalView.of(statement, await house.rehearsal.run(integration, statement.body))


async def _rules(house: House, provider_id: str) -> Rules:
    provider = await house.providers.find(provider_id)
    if provider is None:
        raise NotFound(f"there is no provider {provider_id}")
    return provider.rules


def _statement(
    house: House, integration_id: IntegrationId, rules: Rules, overrides: dict[str, JsonValue]
) -> Statement:
    written = _example(house, integration_id, rules) | overrides
    try:
        (statement,) = read(msgspec.json.encode(written), rules, now=house.clock(), max_batch=1)
    except InvalidStatements as error:
        raise Unprocessable(
            [Flaw(f"/statement{flaw.pointer}", flaw.detail) for flaw in error.errors]
        ) from error
    return statement


def _example(house: House, integration_id: IntegrationId, rules: Rules) -> dict[str, JsonValue]:
    completion = made_up(rules, at=timestamp(house.clock()))
    match express(completion, rules, integration_id):
        case Skipped(reason):
            raise Unprocessable([Flaw("", reason)])
        case Statement(body=body):
            # A new id each time, or an LRS takes the second rehearsal for a repeat of the first.
            members: dict[str, JsonValue] = json.loads(body)
            del members["id"]
            return members
