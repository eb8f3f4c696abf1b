"""Sources of raw records, the files that have landed, and what became of each."""

from urllib.parse import urljoin

from starlette.responses import Response

from hub.portal.frame import HOME, TOKEN, Forged, Visit, form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.page import Pages

ROOT = f"{HOME}/sources"
SHOWN = 50


async def table(visit: Visit) -> Response:
    """List the sources of a program."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    cursor = visit.request.query_params.get("cursor", "")
    path = f"/api/programs/{visit.program}/sources"
    page = await visit.api.get(path, limit=SHOWN, cursor=cursor)
    return visit.page("sources.html", found=page["items"], next=page["next"], cursor=cursor)


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


async def errors(visit: Visit) -> Response:
    """Show which records made no statement, page by page."""
    cursor = visit.request.query_params.get("cursor", "")
    page = await visit.api.get(f"{_file_path(visit)}/errors", limit=SHOWN, cursor=cursor)
    known = await _file(visit)
    return visit.page(
        "file_errors.html", shown=page["items"], next=page["next"], cursor=cursor, **known
    )


async def progress(visit: Visit) -> Response:
    """Give how far a file is alone, as it is now."""
    return visit.page("file_state.html", **await _file(visit))


async def reprocess(visit: Visit) -> Response:
    """Read a file again."""
    await form_of(visit.request, visit)
    await visit.api.post(f"{_file_path(visit)}/reprocess")
    names = visit.request.path_params
    told = "It is read again; of what is known already, nothing is delivered twice."
    return visit.go(f"{ROOT}/{names['source_id']}/files/{names['file_id']}", told)


async def _files(visit: Visit) -> Facts:
    cursor = visit.request.query_params.get("cursor", "")
    page = await visit.api.get(f"{_path(visit)}/files", limit=SHOWN, cursor=cursor)
    known = await _source(visit)
    return {**known, "files": page["items"], "next": page["next"], "cursor": cursor}


async def _file(visit: Visit) -> Facts:
    found = await visit.api.get(_file_path(visit))
    return {**await _source(visit), "file": found}


async def _source(visit: Visit) -> Facts:
    it = await visit.api.get(_path(visit))
    hook = urljoin(str(visit.request.base_url), it.get("hookUrl", ""))
    may_write = visit.api.caller.may_write(it["programId"])
    return {"it": it, "hook": hook, "may_write": may_write}


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
    ("/sources/{source_id}/files/{file_id}/errors", ["GET"], errors),
    ("/sources/{source_id}/files/{file_id}/state", ["GET"], progress),
    ("/sources/{source_id}/files/{file_id}/reprocess", ["POST"], reprocess),
)
