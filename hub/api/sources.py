"""Sources: where raw records come from, and what is made of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import JsonValue, ValidationError

from hub.api.access import CallerOf, ReadableProgram, WritableProgram, require_write
from hub.api.errors import NotFound, Unprocessable
from hub.api.house import House, HouseOf
from hub.api.pages import Cursor, Limit
from hub.api.preconditions import IfMatch, revision_of
from hub.api.strict import StrictRoute
from hub.api.urls import check_urls
from hub.landing.found import wrong_prefix
from hub.pipeline.arriving.buckets import may_be_read
from hub.pipeline.chunks.milling import RecipeFault
from hub.registry.parties.caller import Caller
from hub.registry.pipeline.sources import SourceKind, SourceRecord
from hub.sources.hidden import SECRETS, found_in, put_back, secret_headers, take_out
from hub.sources.origins import astray, to_be_given
from hub.sources.settings import READ, AnySource, BucketSource, GivenSource, PollSource
from hub.xapi.flaw import Flaw, flaws_of, point

router = APIRouter(
    prefix="/api/programs/{program_id}/sources", tags=["Sources"], route_class=StrictRoute
)
of_program = APIRouter(
    prefix="/api/programs/{program_id}/sources/{source_id}",
    tags=["Sources"],
    route_class=StrictRoute,
)
one = APIRouter(prefix="/api/sources/{source_id}", tags=["Sources"], route_class=StrictRoute)

Members = dict[str, JsonValue]
KEPT = frozenset({"id", "programId", "revision", "createdAt", "updatedAt", "hookUrl"})
"""What is shown of a source, and is nobody's to say; sent back as it was shown, it is let pass."""
GIVE_AGAIN = "must be given again: it was given for another server than this address names"
NO_SECRETS = (
    "headers are kept and shown as they are; a key belongs into auth, such as "
    '{{"type": "header", "header": "{}", "token": "..."}}, where it is sealed'
)
SHOWN_ONLY = KEPT | {"secrets", "askedAt", "nextAt", "trouble"}


async def readable_source(source_id: str, caller: CallerOf, house: HouseOf) -> SourceRecord:
    """Return a source that the caller may read."""
    source = await house.sources.find(source_id)
    if source is None or not caller.may_read(source.program_id):
        raise NotFound(f"there is no source {source_id}")
    return source


async def writable_source(source_id: str, caller: CallerOf, house: HouseOf) -> SourceRecord:
    """Return a source that the caller may change."""
    source = await readable_source(source_id, caller, house)
    require_write(caller, source.program_id, f"source {source_id}")
    return source


async def readable_of_program(
    program_id: str, source_id: str, caller: CallerOf, house: HouseOf
) -> SourceRecord:
    """Return a source of this program that the caller may read."""
    source = await readable_source(source_id, caller, house)
    if source.program_id != program_id:
        raise NotFound(f"there is no source {source_id}")
    return source


async def writable_of_program(
    program_id: str, source_id: str, caller: CallerOf, house: HouseOf
) -> SourceRecord:
    """Return a source of this program that the caller may change."""
    source = await readable_of_program(program_id, source_id, caller, house)
    require_write(caller, source.program_id, f"source {source_id}")
    return source


ReadableSource = Annotated[SourceRecord, Depends(readable_source)]
WritableSource = Annotated[SourceRecord, Depends(writable_source)]
ReadableOfProgram = Annotated[SourceRecord, Depends(readable_of_program)]
WritableOfProgram = Annotated[SourceRecord, Depends(writable_of_program)]


@router.post("", status_code=201)
async def create_source(
    program_id: WritableProgram,
    form: GivenSource,
    caller: CallerOf,
    house: HouseOf,
    response: Response,
) -> Members:
    """Make a source of records."""
    settings, secrets = await _checked(house, program_id, form, caller)
    source = await house.sources.create(
        program_id, SourceKind(form.kind), settings, secrets, by=caller.who
    )
    response.headers["Location"] = f"{house.public_url}/api/sources/{source.id}"
    return await _show(house, source, response)


@router.get("")
async def list_sources(
    program_id: ReadableProgram, house: HouseOf, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, JsonValue]:
    """List the sources of a program, oldest first."""
    page = await house.sources.list(program_id, cursor=cursor, limit=limit)
    shown: list[JsonValue] = [_view(house, source, {}) for source in page.items]
    return {"items": shown, "next": page.next}


@of_program.get("")
async def get_source_of_program(
    source: ReadableOfProgram, house: HouseOf, response: Response
) -> Members:
    """Show one source, without its secrets."""
    return await _show(house, source, response)


@of_program.patch("")
async def change_source_of_program(
    source: WritableOfProgram,
    form: dict[str, JsonValue],
    caller: CallerOf,
    house: HouseOf,
    response: Response,
    if_match: IfMatch = None,
) -> Members:
    """Change what is named. Secrets that are left out or blank stay as they were."""
    return await change_source(source, form, caller, house, response, if_match)


@of_program.delete("", status_code=204, response_class=Response)
async def delete_source_of_program(
    source: WritableOfProgram, caller: CallerOf, house: HouseOf
) -> Response:
    """Take a source away, and the raw bytes that came from it."""
    return await delete_source(source, caller, house)


@one.get("")
async def get_source(source: ReadableSource, house: HouseOf, response: Response) -> Members:
    """Show one source, without its secrets."""
    return await _show(house, source, response)


@one.patch("")
async def change_source(
    source: WritableSource,
    form: dict[str, JsonValue],
    caller: CallerOf,
    house: HouseOf,
    response: Response,
    if_match: IfMatch = None,
) -> Members:
    """Change what is named. Secrets that are left out or blank stay as they were."""
    known = await house.sources.secrets(source.id)
    given = _without_blanks({k: v for k, v in form.items() if k not in SHOWN_ONLY})
    if given.get("kind", source.kind) != source.kind:
        raise Unprocessable([Flaw("/kind", f"a source stays what it is: {source.kind.value}")])
    whole = {**source.settings, **given, "kind": source.kind.value}
    merged = _read(put_back(whole, _still_meant(source, whole, known)))
    settings, secrets = await _checked(house, source.program_id, merged, caller)
    changed = await house.sources.change(
        source.id, settings, secrets, revision=revision_of(if_match), by=caller.who
    )
    house.known_sources.forget(source.id)
    return await _show(house, changed, response)


@one.delete("", status_code=204, response_class=Response)
async def delete_source(source: WritableSource, caller: CallerOf, house: HouseOf) -> Response:
    """Take a source away, and the raw bytes that came from it."""
    await house.sources.delete(source.id, by=caller.who)
    house.known_sources.forget(source.id)
    return Response(status_code=204)


@one.post("/ask", status_code=202)
async def ask_source(source: WritableSource, house: HouseOf) -> dict[str, str]:
    """Have an API or a bucket asked now, and not when its interval is over."""
    if source.next_at is None:
        raise Unprocessable([Flaw("/kind", f"a source of kind {source.kind.value} is not asked")])
    await house.sources.ask_now(source.id)
    return {"sourceId": source.id}


async def _checked(
    house: House, program_id: str, form: AnySource, caller: Caller
) -> tuple[Members, Mapping[str, str]]:
    """Check what only the rest of the house can check; give settings and secrets apart."""
    urls: dict[str, str | None] = {}
    if isinstance(form, PollSource):
        urls = {"url": form.url}
        if form.auth.token_url is not None:
            urls["auth.tokenUrl"] = form.auth.token_url
        _check_headers(form)
    if isinstance(form, BucketSource):
        urls = {"endpoint": form.endpoint}
        _check_folder(house, form, caller)
        if reason := wrong_prefix(form.prefix):
            raise Unprocessable([Flaw("/prefix", f"cannot be used: {reason}")])
    check_urls(house, urls)
    await _check_recipe(house, form)
    await _check_names(house, program_id, form)
    written = form.model_dump(mode="json", by_alias=True, exclude={"kind"})
    settings, secrets = take_out(written)
    return settings, secrets  # type: ignore[return-value]  # what pydantic dumps as JSON is JSON


def _check_headers(form: PollSource) -> None:
    if names := secret_headers(form.headers):
        raise Unprocessable(
            [Flaw(point("headers", name), NO_SECRETS.format(name)) for name in names]
        )


def _check_folder(house: House, form: BucketSource, caller: Caller) -> None:
    if not form.url.startswith("file://"):
        return
    if not caller.system:
        raise Unprocessable([Flaw("/url", "a folder of the hub's machine needs a SYSTEM key")])
    if not may_be_read(form.url, house.bucket_folders):
        raise Unprocessable([Flaw("/url", "is not below one of HUB_BUCKET_FOLDERS")])


async def _check_recipe(house: House, form: AnySource) -> None:
    if form.recipe is None:
        return
    try:
        await house.milling.check(form.recipe, form.recipe_options)
    except RecipeFault as fault:
        pointer = f"/recipeOptions{fault.pointer}" if fault.pointer else "/recipe"
        raise Unprocessable([Flaw(pointer, fault.reason)]) from fault


async def _check_names(house: House, program_id: str, form: AnySource) -> None:
    flaws: list[Flaw] = []
    for place, integration_id in enumerate(form.integrations if form.integrations != "all" else ()):
        record = await house.integrations.find_record(integration_id)  # type: ignore[arg-type]  # any text may be asked for
        if record is None or record.program_id != program_id:
            flaws.append(Flaw(point("integrations", place), "is no integration of this program"))
    for name, lookup in form.lookups.items():
        other = await house.sources.find(lookup.source)
        if other is None or other.program_id != program_id or other.kind is SourceKind.WEBHOOK:
            words = "is no source of this program that has files"
            flaws.append(Flaw(point("lookups", name, "source"), words))
    if flaws:
        raise Unprocessable(flaws)


def _still_meant(
    source: SourceRecord, whole: Mapping[str, object], known: Mapping[str, str]
) -> Mapping[str, str]:
    """Give the secrets that are kept: a server that they were not given for gets none of them."""
    lost = astray(source.settings, whole)
    flaws = [
        Flaw(point(*name.split(".")), GIVE_AGAIN)
        for name in sorted(lost & known.keys() & to_be_given(whole))
        if found_in(whole, name) is None
    ]
    if flaws:
        raise Unprocessable(flaws)
    return {name: secret for name, secret in known.items() if name not in lost}


def _read(whole: Mapping[str, object]) -> AnySource:
    try:
        return READ.validate_python(whole)
    except ValidationError as error:
        raise Unprocessable(list(flaws_of(error))) from None


def _without_blanks(form: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Leave out secrets that are blank: a form that shows none sends none."""
    left: dict[str, Any] = {
        name: dict(value) if isinstance(value, Mapping) else value for name, value in form.items()
    }
    for *outer, last in SECRETS:
        inner = left.get(outer[0]) if outer else left
        if isinstance(inner, dict) and inner.get(last) in ("", None):
            inner.pop(last, None)
    return left


async def _show(house: House, source: SourceRecord, response: Response) -> Members:
    response.headers["ETag"] = f'"{source.revision}"'
    return _view(house, source, await house.sources.secrets(source.id))


def _view(house: House, source: SourceRecord, secrets: Mapping[str, str]) -> Members:
    shown: Members = {"id": source.id, "programId": source.program_id, "kind": source.kind.value}
    shown |= source.settings
    names: list[JsonValue] = [*sorted(secrets)]
    shown |= {
        "secrets": names,
        "revision": source.revision,
        "createdAt": _moment(source.created_at),
        "updatedAt": _moment(source.updated_at),
        "askedAt": _moment(source.asked_at),
        "nextAt": _moment(source.next_at),
        "trouble": source.trouble,
    }
    if source.kind in (SourceKind.WEBHOOK, SourceKind.BUCKET):
        shown["hookUrl"] = f"{house.public_url}/hooks/{source.id}"
    return shown


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
