"""One source: how records get to it, and the files that have landed."""

from starlette.responses import Response

from hub.portal.forms import CSRF, Forged
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.page import Pages
from hub.portal.pages.sources.subject import path_of, root_of, source_of
from hub.portal.visit import Visit

KNOWN = "These bytes were sent before: this is what became of them then. Nothing is read twice."


async def one(visit: Visit) -> Response:
    """Show a source and its files; files can be sent to one of kind csv."""
    return visit.page("sources/source.html", trouble="", **await _files(visit))


async def files(visit: Visit) -> Response:
    """Give the files alone, as they are now."""
    return visit.page("sources/files.html", **await _files(visit))


async def upload(visit: Visit) -> Response:
    """Hand a file on as it comes in: it may be larger than what can be held in memory."""
    # The token is in the address: in the form, it could come behind the file.
    if not visit.seal.is_token(visit.session, visit.request.query_params.get(CSRF, "")):
        raise Forged
    try:
        landed, is_new = await visit.api.hand_on(f"{path_of(visit)}/files", visit.request)
    except Refusal as refusal:
        known = await _files(visit)
        return visit.page(
            "sources/source.html", status=refusal.status, trouble=str(refusal), **known
        )
    return visit.go(f"{root_of(visit)}/files/{landed['fileId']}", "" if is_new else KNOWN)


async def _files(visit: Visit) -> Facts:
    page = await visit.listed(f"{path_of(visit)}/files")
    known = await source_of(visit)
    return {**known, "files": page["items"], "next": page["next"]}


PAGES: Pages = (
    ("/sources/{source_id}", ["GET"], one),
    ("/sources/{source_id}/files", ["GET"], files),
    ("/sources/{source_id}/files", ["POST"], upload),
)
