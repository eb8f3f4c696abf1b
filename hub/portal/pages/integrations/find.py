"""Where one statement is, what it says, and what happened to it."""

from starlette.responses import Response

from hub.portal.inside import Facts, Refusal
from hub.portal.pages.integrations.subject import path_of
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME
from hub.portal.wording.telling import pretty


async def find(visit: Visit) -> Response:
    """Say where a statement of an integration is, and tell its story."""
    path = path_of(visit)
    it, wanted = await visit.api.get(path), visit.request.query_params.get("id", "").strip()
    found, story, trouble = None, None, ""
    if wanted:
        try:
            found = await visit.api.get(f"{path}/statements/{wanted}")
            story = await visit.api.get(f"{path}/statements/{wanted}/story")
        except Refusal as refusal:
            if refusal.status >= 500:
                raise
            trouble = f"Nothing is known here of a statement {wanted}."
    text = pretty(found["statement"]) if found and found["statement"] else ""
    return visit.page(
        "integrations/find.html",
        it=it,
        wanted=wanted,
        found=found,
        story=story,
        text=text,
        trouble=trouble,
    )


async def find_anywhere(visit: Visit) -> Response:
    """Say which integrations of the program know a statement."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    wanted = visit.request.query_params.get("id", "").strip()
    page: Facts | None = None
    trouble = ""
    if wanted:
        path = f"/api/programs/{visit.program}/statements/{wanted}"
        try:
            page = await visit.api.get(path, cursor=visit.paging.cursor)
        except Refusal as refusal:
            if refusal.status >= 500:
                raise
            trouble = f"Nothing is known of a statement {wanted}."
    if page and len(page["items"]) == 1 and not page["next"] and visit.paging.is_first:
        (only,) = page["items"]
        return visit.go(f"{HOME}/integrations/{only['integrationId']}/find?id={only['id']}")
    return visit.page("integrations/find_anywhere.html", wanted=wanted, page=page, trouble=trouble)


PAGES: Pages = (
    ("/integrations/{integration_id}/find", ["GET"], find),
    ("/find", ["GET"], find_anywhere),
)
