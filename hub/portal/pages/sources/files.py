"""One file: what became of it, its faults and its bytes, and reading it again."""

from starlette.responses import Response

from hub.portal.forms import form_of
from hub.portal.inside import Facts
from hub.portal.pages.page import Pages
from hub.portal.pages.sources.subject import path_of, root_of, source_of
from hub.portal.visit import Visit


async def file(visit: Visit) -> Response:
    """Show what became of a file, and which of its records made no statement."""
    return visit.page("sources/file.html", **await _file(visit))


async def errors(visit: Visit) -> Response:
    """Show which records made no statement, page by page."""
    page = await visit.listed(f"{_file_path(visit)}/errors")
    known = await _file(visit)
    return visit.page("sources/file_errors.html", shown=page["items"], next=page["next"], **known)


async def progress(visit: Visit) -> Response:
    """Give how far a file is alone, as it is now."""
    return visit.page("sources/file_state.html", **await _file(visit))


async def download(visit: Visit) -> Response:
    """Hand the bytes of a file on, as they landed."""
    return await visit.api.file(f"{_file_path(visit)}/download")


async def reprocess(visit: Visit) -> Response:
    """Read a file again."""
    await form_of(visit)
    await visit.api.post(f"{_file_path(visit)}/reprocess")
    told = "It is read again; of what is known already, nothing is delivered twice."
    return visit.go(f"{root_of(visit)}/files/{visit.request.path_params['file_id']}", told)


async def _file(visit: Visit) -> Facts:
    found = await visit.api.get(_file_path(visit))
    return {**await source_of(visit), "file": found}


def _file_path(visit: Visit) -> str:
    return f"{path_of(visit)}/files/{visit.request.path_params['file_id']}"


PAGES: Pages = (
    ("/sources/{source_id}/files/{file_id}", ["GET"], file),
    ("/sources/{source_id}/files/{file_id}/errors", ["GET"], errors),
    ("/sources/{source_id}/files/{file_id}/state", ["GET"], progress),
    ("/sources/{source_id}/files/{file_id}/download", ["GET"], download),
    ("/sources/{source_id}/files/{file_id}/reprocess", ["POST"], reprocess),
)
