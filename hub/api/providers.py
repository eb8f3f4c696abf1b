"""Providers: the kinds of remote systems, and what each wants statements to look like."""

from typing import Annotated
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from delivery.facts.integration import TokenAuth
from hub.api.access import ReadableProgram, SystemOf
from hub.api.applying import apply
from hub.api.errors import NotFound, Unprocessable
from hub.api.house import HouseOf
from hub.api.pages import Cursor, Limit, Words
from hub.api.strict import BatchSize, Concurrency, Form, Line, Scope, StrictRoute, View
from hub.registry.parties.providers import Provider, ProviderChanges, ProviderStatus
from hub.xapi.flaw import Flaw, point
from hub.xapi.rules import COMPLETED, ActorId, ObjectId
from hub.xapi.words import Iri, Pattern, VerbName, Version

router = APIRouter(prefix="/api/providers", tags=["Providers"], route_class=StrictRoute)
of_program = APIRouter(
    prefix="/api/programs/{program_id}/providers", tags=["Providers"], route_class=StrictRoute
)

ProviderId = Annotated[
    str, Pattern(r"[A-Za-z0-9_.-]{1,100}", "must be 1 to 100 of A-Z a-z 0-9 _ . -")
]
Template = Annotated[
    str,
    Pattern(
        r'[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f<>"{}|\\^`]*\{id\}[^\x00-\x20\x7f<>"{}|\\^`]*',
        "must be an IRI with {id} in it, like urn:uuid:{id}",
    ),
]
# A name in JSON is a string, and nothing else could be meant by it.
LENIENT = Field(strict=False)
Verbs = Annotated[list[VerbName], Field(min_length=1, max_length=50)]
# What every token request says by itself.
RESERVED = frozenset({"grant_type", "client_id", "client_secret", "refresh_token", "scope"})


class NewProviderForm(Form):
    """A provider to be; without an id, it gets one."""

    id: ProviderId | None = None
    name: Line
    status: Annotated[ProviderStatus, LENIENT] = ProviderStatus.ACTIVE
    object_id: Annotated[ObjectId, LENIENT] = ObjectId.URI
    object_id_template: Template | None = None
    actor_id: Annotated[ActorId, LENIENT] = ActorId.EMAIL
    account_home_page: Iri | None = None
    verbs: Verbs = Field(default_factory=lambda: [COMPLETED])
    xapi_version: Version = "1.0.3"
    batch_size: BatchSize = 1
    concurrency: Concurrency = 1
    token_auth: Annotated[TokenAuth, LENIENT] = TokenAuth.BASIC
    scope: Scope | None = None
    token_parameters: dict[Line, Line] = Field(default_factory=dict)


class ProviderForm(Form):
    """What is to change of a provider; what is left out stays as it was."""

    name: Line = ""
    status: Annotated[ProviderStatus, LENIENT] = ProviderStatus.ACTIVE
    object_id: Annotated[ObjectId, LENIENT] = ObjectId.URI
    object_id_template: Template | None = None
    actor_id: Annotated[ActorId, LENIENT] = ActorId.EMAIL
    account_home_page: Iri | None = None
    verbs: Verbs = Field(default_factory=list)
    xapi_version: Version = ""
    batch_size: BatchSize = 1
    concurrency: Concurrency = 1
    token_auth: Annotated[TokenAuth, LENIENT] = TokenAuth.BASIC
    scope: Scope | None = None
    token_parameters: dict[Line, Line] = Field(default_factory=dict)


class ProviderView(View):
    """A provider."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    status: ProviderStatus
    object_id: ObjectId
    object_id_template: str | None
    actor_id: ActorId
    account_home_page: str | None
    verbs: tuple[str, ...]
    xapi_version: str
    batch_size: int
    concurrency: int
    token_auth: TokenAuth
    scope: str | None
    token_parameters: dict[str, str]


class ProviderPage(View):
    """Some providers, and the cursor of what follows."""

    items: list[ProviderView]
    next: str | None


@router.post("", status_code=201)
async def create_provider(
    form: NewProviderForm, caller: SystemOf, house: HouseOf, response: Response
) -> ProviderView:
    """Make a provider; needs a SYSTEM key."""
    _check_parameters(form.token_parameters)
    provider_id = form.id or uuid4().hex
    provider = msgspec.convert(form.model_dump(mode="json") | {"id": provider_id}, Provider)
    await house.providers.create(provider, by=caller.who)
    response.headers["Location"] = f"/api/providers/{provider_id}"
    return ProviderView.model_validate(provider)


@router.get("")
async def list_providers(house: HouseOf, limit: Limit = 100, cursor: Cursor = None) -> ProviderPage:
    """List the providers."""
    page = await house.providers.list(cursor=cursor, limit=limit)
    return ProviderPage(
        items=[ProviderView.model_validate(one) for one in page.items], next=page.next
    )


@of_program.get("")
async def list_untaken_providers(
    program_id: ReadableProgram,
    house: HouseOf,
    q: Words = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ProviderPage:
    """List the active providers that a program has no integration with yet."""
    page = await house.providers.untaken(program_id, words=q, cursor=cursor, limit=limit)
    return ProviderPage(
        items=[ProviderView.model_validate(one) for one in page.items], next=page.next
    )


@router.get("/{provider_id}")
async def get_provider(provider_id: str, house: HouseOf) -> ProviderView:
    """Show one provider."""
    provider = await house.providers.find(provider_id)
    if provider is None:
        raise NotFound(f"there is no provider {provider_id}")
    return ProviderView.model_validate(provider)


@router.patch("/{provider_id}")
async def change_provider(
    provider_id: str, form: ProviderForm, caller: SystemOf, house: HouseOf
) -> ProviderView:
    """Change what is named, and with it all integrations of this provider; needs a SYSTEM key."""
    _check_parameters(form.token_parameters)
    changes = msgspec.convert(form.model_dump(mode="json", exclude_unset=True), ProviderChanges)
    changed = await house.providers.change(provider_id, changes, by=caller.who)
    await apply(house, changed.touched)
    return ProviderView.model_validate(changed.provider)


@router.delete("/{provider_id}", status_code=204, response_class=Response)
async def delete_provider(provider_id: str, caller: SystemOf, house: HouseOf) -> Response:
    """Remove a provider that no integration uses; needs a SYSTEM key."""
    await house.providers.remove(provider_id, by=caller.who)
    return Response(status_code=204)


def _check_parameters(parameters: dict[str, str]) -> None:
    if flaws := [
        Flaw(point("tokenParameters", name), "is sent with every token request already")
        for name in sorted(RESERVED & parameters.keys())
    ]:
        raise Unprocessable(flaws)
