"""The raw bytes of a landed file, as they came: streamed, and never anything but a download.

They are somebody else's: whatever they say of themselves, no browser is to show or run them.
"""

from collections.abc import AsyncIterator
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from hub.api.access import CallerOf
from hub.api.errors import NotFound
from hub.api.house import HouseOf
from hub.api.sources import ReadableSource
from hub.api.strict import StrictRoute
from hub.errors import LandingUnavailable, NotLanded
from hub.landing.store import Landing
from hub.registry.pipeline.file_records import SourceFile

router = APIRouter(
    prefix="/api/sources/{source_id}/files", tags=["Sources"], route_class=StrictRoute
)

BYTES = "application/octet-stream"
PART = 1024 * 1024
LONGEST_NAME, LONGEST_ENDING = 120, 20
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_. ()")
ELSEWHERE = frozenset('/\\:*?"<>|')
"""What leads to another folder, or is no part of a name, on some system."""


class CutShort(Exception):
    """A download broke off, after it had begun; only its end without an end can tell so."""


@router.get(
    "/{file_id}/download",
    response_class=StreamingResponse,
    responses={200: {"content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def download_file(
    source: ReadableSource, file_id: str, caller: CallerOf, house: HouseOf
) -> StreamingResponse:
    """Give the bytes of a file as they landed; who takes them out is noted in the audit."""
    file = await house.source_files.find(source.id, file_id)
    if file is None:
        raise NotFound(f"there is no file {file_id}")
    if file.removed_at is not None:
        raise NotFound(f"the bytes of file {file_id} are no longer kept")
    first = await house.landing.read(file.place, 0, min(PART, file.size))
    await house.audit.add(
        "downloaded",
        "file",
        file.id,
        at=house.clock(),
        by=caller.who,
        program_id=source.program_id,
        changes={"source": source.id, "bytes": file.size},
    )
    headers = {
        "Content-Disposition": attachment(file.name),
        "Content-Length": str(file.size),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    parts = _parts(house.landing, file, first)
    return StreamingResponse(parts, media_type=BYTES, headers=headers)


async def _parts(landing: Landing, file: SourceFile, part: bytes) -> AsyncIterator[bytes]:
    given = 0
    while part:
        yield part
        given += len(part)
        try:
            part = await landing.read(file.place, given, min(PART, file.size - given))
        except (NotLanded, LandingUnavailable) as error:
            raise CutShort(f"file {file.id} at {given:,} of {file.size:,}: {error}") from error
    if given < file.size:
        raise CutShort(f"file {file.id} at {given:,} of {file.size:,}: there is no more")


def attachment(name: str) -> str:
    """Say under which name a download is to be kept, whatever somebody called the file."""
    fitting = "".join(one for one in name if one.isprintable() and one not in ELSEWHERE)
    fitting = fitting.strip(" .") or "file"
    if len(fitting) > LONGEST_NAME:
        stem, dot, ending = fitting.rpartition(".")
        tail = dot + ending if stem and len(ending) <= LONGEST_ENDING else ""
        fitting = fitting[: LONGEST_NAME - len(tail)] + tail
    plain = "".join(one if one in PLAIN else "_" for one in fitting)
    if plain == fitting:
        return f'attachment; filename="{plain}"'
    # RFC 6266: the second is for all browsers of today.
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(fitting, safe='')}"
