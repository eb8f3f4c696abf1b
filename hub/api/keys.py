"""API keys over HTTP: made, listed, revoked by SYSTEM keys; and any key may look at itself."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import Field

from hub.api.access import CallerOf, SystemOf
from hub.api.errors import Unprocessable
from hub.api.house import House, HouseOf
from hub.api.moments import GivenMoment
from hub.api.pages import Cursor, Limit
from hub.api.strict import Form, StrictRoute, View
from hub.errors import BadUserId, UnknownKey, UnknownProgram
from hub.registry.parties.caller import Right
from hub.registry.parties.keys import ApiKey
from hub.xapi.flaw import Flaw, point

router = APIRouter(prefix="/api/keys", tags=["Keys"], route_class=StrictRoute)

MOST_PROGRAMS = 1000

UserId = Annotated[str | None, Query(alias="userId", description="only keys of this user")]
Access = Annotated[Right, Field(strict=False)]


class KeyForm(Form):
    """A key to be. It may do everything (`system`), or what it may with the programs it names."""

    user_id: str = Field(description="whom it is for; with the key, what Basic authentication asks")
    system: bool = False
    programs: dict[str, Access] = Field(
        default={}, max_length=MOST_PROGRAMS, description="read or write, by program"
    )
    expires_at: GivenMoment | None = Field(None, description="when it ends; left out, never")


class KeyView(View):
    """What is known of a key; never the key itself."""

    key_id: str
    user_id: str
    system: bool
    programs: dict[str, Right]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="to the minute")

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        return cls(
            key_id=key.id,
            user_id=key.user_id,
            system=key.system,
            programs=dict(key.rights),
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
        )


class CreatedKeyView(KeyView):
    """A new key, with the key itself: this is the only time that it is shown."""

    api_key: str = ""


class KeyPage(View):
    """Some keys, and the cursor of what follows."""

    items: list[KeyView]
    next: str | None = Field(description="the cursor of the next page")


@router.post("", status_code=201)
async def create_key(
    form: KeyForm, caller: SystemOf, house: HouseOf, response: Response
) -> CreatedKeyView:
    """Make a key, and show it this once."""
    _check(form, house.clock())
    try:
        created = await house.keys.create(
            form.user_id,
            system=form.system,
            rights=form.programs,
            expires_at=form.expires_at,
            by=caller.who,
        )
    except BadUserId as error:
        raise Unprocessable([Flaw("/userId", str(error))]) from error
    except UnknownProgram as error:
        raise Unprocessable(await _missing(form, house)) from error
    response.headers["Location"] = f"{house.public_url}/api/keys/{created.record.id}"
    view = CreatedKeyView.of(created.record)
    view.api_key = created.api_key
    return view


@router.get("")
async def list_keys(
    _: SystemOf,
    house: HouseOf,
    user_id: UserId = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> KeyPage:
    """List keys, newest first, revoked and expired ones too."""
    page = await house.keys.list(cursor=cursor, limit=limit, user_id=user_id)
    return KeyPage(items=[KeyView.of(one) for one in page.items], next=page.next)


@router.get("/mine")
async def get_own_key(caller: CallerOf, house: HouseOf) -> KeyView:
    """Show the key that asks."""
    return KeyView.of(await _find(house, caller.key_id))


@router.get("/{key_id}")
async def get_key(key_id: str, _: SystemOf, house: HouseOf) -> KeyView:
    """Show one key."""
    return KeyView.of(await _find(house, key_id))


@router.delete("/{key_id}", status_code=204, response_class=Response)
async def revoke_key(key_id: str, caller: SystemOf, house: HouseOf) -> Response:
    """Revoke a key; it stops working within five seconds, and stays in the list."""
    await house.keys.revoke(key_id, by=caller.who)
    return Response(status_code=204)


async def _find(house: House, key_id: str) -> ApiKey:
    key = await house.keys.find(key_id)
    if key is None:
        raise UnknownKey(f"there is no key {key_id}")
    return key


def _check(form: KeyForm, now: datetime) -> None:
    flaws = []
    if form.expires_at is not None and form.expires_at <= now:
        flaws.append(Flaw("/expiresAt", "must be in the future"))
    if not form.system and not form.programs:
        flaws.append(Flaw("/programs", "must name a program, unless system is true"))
    if flaws:
        raise Unprocessable(flaws)


async def _missing(form: KeyForm, house: House) -> list[Flaw]:
    return [
        Flaw(point("programs", program_id), "is no program that exists")
        for program_id in form.programs
        if await house.programs.find(program_id) is None
    ]
