"""Sources of raw records, the files that have landed, and what became of each."""

from starlette.responses import Response

from hub.portal.frame import HOME, TOKEN, Forged, Visit, form_of
from hub.portal.inside import LARGEST_PAGE, Facts, Refusal
from hub.portal.pages.page import Pages

ROOT = f"{HOME}/sources"
SHOWN = 50


async def table(visit: Visit) -> Response:
    """List the sources of a program."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    found = await visit.api.get(f"/api/programs/{visit.program}/sources", limit=LARGEST_PAGE)
    return visit.page("sources.html", found=found["items"])


async def one(visit: Visit) -> Response:
    """Show a source and its files; files can be sent to one of kind csv."""
    return visit.page("source.html", trouble="", **await _files(visit))


async def files(visit: Visit) -> Response:
    """Give the files alone, as they are now."""
    return visit.page("files.html", **await _files(visit))


async def upload(visit: Visit) -> Response:
    """Hand a file on as it comes in: it may be larger than what can be held in memory."""
    # The token is in the address: in the form, it could come behind the file.
    if not visit.seal.is_token(visit.session, visit.request.query_params.get(TOKEN, "")):
        raise Forged
    try:
        landed = await visit.api.hand_on(f"{_path(visit)}/files", visit.request)
    except Refusal as refusal:
        known = await _files(visit)
        return visit.page("source.html", status=refusal.status, trouble=str(refusal), **known)
    return visit.go(f"{ROOT}/{visit.request.path_params['source_id']}/files/{landed['fileId']}")


async def file(visit: Visit) -> Response:
    """Show what became of a file, and which of its records made no statement."""
    return visit.page("file.html", **await _file(visit))


async def progress(visit: Visit) -> Response:
    """Give how far a file is alone, as it is now."""
    return visit.page("file_state.html", **await _file(visit))


async def reprocess(visit: Visit) -> Response:
    """Read a file again."""
    await form_of(visit.request, visit)
    await visit.api.post(f"{_file_path(visit)}/reprocess")
    names = visit.request.path_params
    return visit.go(f"{ROOT}/{names['source_id']}/files/{names['file_id']}")


async def _files(visit: Visit) -> Facts:
    page = await visit.api.get(f"{_path(visit)}/files", limit=SHOWN)
    return {"it": await visit.api.get(_path(visit)), "files": page["items"]}


async def _file(visit: Visit) -> Facts:
    found = await visit.api.get(_file_path(visit))
    return {"it": await visit.api.get(_path(visit)), "file": found}


def _path(visit: Visit) -> str:
    return f"/api/sources/{visit.request.path_params['source_id']}"


def _file_path(visit: Visit) -> str:
    return f"{_path(visit)}/files/{visit.request.path_params['file_id']}"


PAGES: Pages = (
    ("/sources", ["GET"], table),
    ("/sources/{source_id}", ["GET"], one),
    ("/sources/{source_id}/files", ["GET"], files),
    ("/sources/{source_id}/files", ["POST"], upload),
    ("/sources/{source_id}/files/{file_id}", ["GET"], file),
    ("/sources/{source_id}/files/{file_id}/state", ["GET"], progress),
    ("/sources/{source_id}/files/{file_id}/reprocess", ["POST"], reprocess),
)
