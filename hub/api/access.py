"""Who is calling, and may they: keys by Basic or Bearer, and the rights of programs."""

import base64
import binascii
from typing import Annotated

from fastapi import Depends, Request

from delivery.facts.integration import IntegrationId
from hub.api.errors import Forbidden, NotFound, Unauthenticated
from hub.api.facts import note
from hub.api.house import House, HouseOf, house_of
from hub.registry.parties.caller import Caller
from hub.registry.parties.integration_records import IntegrationRecord

LONGEST_CREDENTIALS = 4096
INSIDE = "hub.caller"
"""Where a request that is made within this process says who makes it. No server ever fills it."""


async def authenticate(request: Request) -> Caller:
    """Say who calls, by the Authorization header. Raises Unauthenticated, RegistryUnavailable."""
    trusted: Caller | None = request.scope.get(INSIDE) or house_of(request).trusted
    if trusted is not None:
        return trusted
    user_id, api_key = _credentials(request.headers.get("authorization", ""))
    caller = await house_of(request).keys.verify(user_id, api_key)
    if caller is None:
        raise Unauthenticated("this key is not valid")
    note(request, user=caller.user_id, key=caller.key_id)
    if caller.ends_soon(house_of(request).clock()):
        request.state.key_ends_at = caller.expires_at
    return caller


def _credentials(header: str) -> tuple[str | None, str]:
    scheme, _, written = header.strip().partition(" ")
    written = written.strip()
    if not written or len(written) > LONGEST_CREDENTIALS:
        raise Unauthenticated("send your key: Authorization: Basic base64(userId:apiKey)")
    match scheme.lower():
        case "bearer":
            return None, written
        case "basic":
            return _basic(written)
        case _:
            raise Unauthenticated("keys are sent as Basic or Bearer")


def _basic(written: str) -> tuple[str, str]:
    try:
        user_id, colon, api_key = base64.b64decode(written, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Unauthenticated("what follows Basic must be base64(userId:apiKey)") from None
    if not colon:
        raise Unauthenticated("what follows Basic must be base64(userId:apiKey)")
    return user_id, api_key


# FastAPI calls what is not asynchronous on a thread, for every request; these only look.
async def caller_of(request: Request) -> Caller:
    """Return the caller that the route has authenticated before anything else."""
    caller: Caller = request.state.caller
    return caller


CallerOf = Annotated[Caller, Depends(caller_of)]


async def system_of(caller: CallerOf) -> Caller:
    """Return the caller, who has a SYSTEM key; asked for before the input is looked at."""
    if not caller.system:
        raise Forbidden("this needs a SYSTEM key")
    return caller


SystemOf = Annotated[Caller, Depends(system_of)]


def require_write(caller: Caller, program_id: str, name: str) -> None:
    """Raise NotFound for what the caller may not see, Forbidden for what it may only read."""
    if not caller.may_read(program_id):
        raise NotFound(f"there is no {name}")
    if not caller.may_write(program_id):
        raise Forbidden(f"this key may not write to program {program_id}")


async def readable_program(program_id: str, caller: CallerOf, house: HouseOf) -> str:
    """Return the id of a program that exists and that the caller may read."""
    if not caller.may_read(program_id) or await house.programs.find(program_id) is None:
        raise NotFound(f"there is no program {program_id}")
    return program_id


async def writable_program(program_id: str, caller: CallerOf, house: HouseOf) -> str:
    """Return the id of a program that exists and that the caller may write to."""
    await readable_program(program_id, caller, house)
    require_write(caller, program_id, f"program {program_id}")
    return program_id


async def readable_integration(
    integration_id: str, caller: CallerOf, house: HouseOf
) -> IntegrationRecord:
    """Return an integration that the caller may read, and that is not being deleted."""
    record = await _find(house, integration_id)
    if record is None or record.deleting_at is not None or not caller.may_read(record.program_id):
        raise NotFound(f"there is no integration {integration_id}")
    return record


async def writable_integration(
    integration_id: str, caller: CallerOf, house: HouseOf
) -> IntegrationRecord:
    """Return an integration that the caller may change."""
    record = await readable_integration(integration_id, caller, house)
    require_write(caller, record.program_id, f"integration {integration_id}")
    return record


async def deletable_integration(
    integration_id: str, caller: CallerOf, house: HouseOf
) -> IntegrationRecord:
    """Return an integration that the caller may delete, also one whose deletion was cut short."""
    record = await _find(house, integration_id)
    if record is None:
        raise NotFound(f"there is no integration {integration_id}")
    require_write(caller, record.program_id, f"integration {integration_id}")
    return record


async def _find(house: House, integration_id: str) -> IntegrationRecord | None:
    return await house.integrations.find_record(IntegrationId(integration_id))


ReadableProgram = Annotated[str, Depends(readable_program)]
WritableProgram = Annotated[str, Depends(writable_program)]
ReadableIntegration = Annotated[IntegrationRecord, Depends(readable_integration)]
WritableIntegration = Annotated[IntegrationRecord, Depends(writable_integration)]
DeletableIntegration = Annotated[IntegrationRecord, Depends(deletable_integration)]
