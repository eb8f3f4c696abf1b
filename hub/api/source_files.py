"""Landed files: uploads, what was made of each, and once more after a change."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import JsonValue

from hub.api.access import CallerOf, authenticate
from hub.api.errors import NoRecipe, NotFound, NoUploads
from hub.api.facts import note
from hub.api.house import House, HouseOf
from hub.api.pages import Cursor, Limit
from hub.api.sources import ReadableSource, WritableSource
from hub.api.strict import StrictRoute, View
from hub.api.uploads import LONGEST_NAME, WORDS, Upload
from hub.registry.pipeline.file_records import FileState, RecordFault, SourceFile
from hub.registry.pipeline.sources import SourceKind

ERRORS_SHOWN = 100


FileName = Annotated[
    str, Query(max_length=LONGEST_NAME, pattern=WORDS, description="what people call the file")
]


class KeyRoute(APIRoute):
    """A route for callers with a key, whose body is anything, and is not read before they may."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def with_key(request: Request) -> Response:
            request.state.caller = await authenticate(request)
            return await handle(request)

        return with_key


router = APIRouter(
    prefix="/api/sources/{source_id}/files", tags=["Sources"], route_class=StrictRoute
)
uploads = APIRouter(prefix="/api/sources/{source_id}/files", tags=["Sources"], route_class=KeyRoute)


class ErrorView(View):
    """A record that made no statement, and why. `line` counts from 1."""

    line: int
    field: str
    reason: str


class FileView(View):
    """A landed file, and what has become of it."""

    file_id: str
    source_id: str
    name: str
    size: int
    sha256: str
    landed_at: datetime
    state: FileState
    rows: int
    """Records that were read; of each a statement is made, or it is skipped, or it failed."""
    statements: int
    """What was made of them, counted for every integration."""
    new: int
    """How many of the statements were not known before; what is handed in once more, because an
    answer was lost or a worker died, counts as known."""
    skipped: int
    failed: int
    skips: dict[str, JsonValue]
    """Why records were skipped, and how often; also those that only some integrations skip."""
    trouble: str | None
    waits_for: str | None
    generation: int
    read_bytes: int
    """How many of its bytes have become statements; of what is packed, when it is unpacked."""
    ended_at: datetime | None
    removed_at: datetime | None

    @classmethod
    def of(cls, file: SourceFile) -> "FileView":
        return cls(**_members(file))


class WholeFileView(FileView):
    """The same, and the first of its errors."""

    errors: list[ErrorView]


class FilePage(View):
    """Some files, and the cursor of what follows."""

    items: list[FileView]
    next: str | None


class ErrorPage(View):
    """Some errors, and the cursor of what follows."""

    items: list[ErrorView]
    next: str | None


@uploads.post(
    "",
    status_code=202,
    responses={200: {"description": "These bytes are there already", "model": FileView}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                "text/csv": {"schema": {"type": "string", "format": "binary"}},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {"file": {"type": "string", "format": "binary"}},
                    }
                },
            },
        }
    },
)
async def upload_file(
    source: WritableSource,
    caller: CallerOf,
    house: HouseOf,
    request: Request,
    response: Response,
    name: FileName = "",
) -> FileView:
    """Take a file, streamed; it is durable when this answers, and read afterwards."""
    if source.kind is not SourceKind.CSV:
        raise NoUploads(
            f"files are uploaded to sources of kind csv; this one is {source.kind.value}"
        )
    sent = Upload(name)
    file, is_new = await house.receiving.land_stream(
        source, sent.parts(request), name=lambda: sent.name
    )
    response.status_code = 202 if is_new else 200
    response.headers["Location"] = f"{house.public_url}/api/sources/{source.id}/files/{file.id}"
    note(request, source=source.id, file=file.id, new=is_new, bytes=file.size)
    if is_new:
        await house.audit.add(
            "uploaded",
            "file",
            file.id,
            at=house.clock(),
            by=caller.who,
            program_id=source.program_id,
            changes={"source": source.id, "bytes": file.size},
        )
    return FileView.of(file)


@router.get("")
async def list_files(
    source: ReadableSource,
    house: HouseOf,
    limit: Limit = 100,
    cursor: Cursor = None,
    state: FileState | None = None,
) -> FilePage:
    """List what has landed from a source, newest first."""
    page = await house.source_files.list(source.id, state=state, cursor=cursor, limit=limit)
    return FilePage(items=[FileView.of(file) for file in page.items], next=page.next)


@router.get("/{file_id}")
async def get_file(source: ReadableSource, file_id: str, house: HouseOf) -> WholeFileView:
    """Show one file, with its counts and the first of its errors."""
    file = await _file(house, source.id, file_id)
    faults = await house.source_files.faults(file.id, limit=ERRORS_SHOWN)
    return WholeFileView(**_members(file), errors=[_error(one) for one in faults.items])


@router.get("/{file_id}/errors")
async def list_errors(
    source: ReadableSource,
    file_id: str,
    house: HouseOf,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ErrorPage:
    """List the records that made no statement, by line; of many, the first thousand."""
    file = await _file(house, source.id, file_id)
    page = await house.source_files.faults(file.id, cursor=cursor, limit=limit)
    return ErrorPage(items=[_error(one) for one in page.items], next=page.next)


@router.post("/{file_id}/reprocess", status_code=202)
async def reprocess_file(
    source: WritableSource, file_id: str, caller: CallerOf, house: HouseOf
) -> FileView:
    """Read a file again from its beginning; what is known is not delivered twice."""
    if source.settings.get("recipe") is None:
        raise NoRecipe(
            "this source has no recipe: its files are tables, and nothing is made of them"
        )
    await _file(house, source.id, file_id)
    file = await house.source_files.reprocess(source.id, file_id)
    await house.audit.add(
        "reprocessed",
        "file",
        file_id,
        at=house.clock(),
        by=caller.who,
        program_id=source.program_id,
        changes={"source": source.id},
    )
    return FileView.of(file)


async def _file(house: House, source_id: str, file_id: str) -> SourceFile:
    file = await house.source_files.find(source_id, file_id)
    if file is None:
        raise NotFound(f"there is no file {file_id}")
    return file


def _error(fault: RecordFault) -> ErrorView:
    return ErrorView(line=fault.line, field=fault.field, reason=fault.reason)


def _members(file: SourceFile) -> dict[str, Any]:
    return {
        "file_id": file.id,
        "source_id": file.source_id,
        "name": file.name,
        "size": file.size,
        "sha256": file.sha256,
        "landed_at": file.landed_at,
        "state": file.state,
        "rows": file.rows,
        "statements": file.statements,
        "new": file.added,
        "skipped": file.skipped,
        "failed": file.failed,
        "skips": dict(file.skips),
        "trouble": file.trouble,
        "waits_for": file.waits_for,
        "generation": file.generation,
        "read_bytes": file.read_through,
        "ended_at": file.ended_at,
        "removed_at": file.removed_at,
    }
