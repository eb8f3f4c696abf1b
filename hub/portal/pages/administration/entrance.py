"""What only SYSTEM keys see: where it begins, and that nobody else gets there."""

from starlette.responses import Response

from hub.portal.inside import Refusal
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME


async def begin(visit: Visit) -> Response:
    """Go to the first of its pages."""
    only_system(visit)
    return visit.go(f"{HOME}/admin/providers")


def only_system(visit: Visit) -> None:
    """Keep a page from those whose key is of programs. Raises Refusal.

    For forms and lists that the API itself would show; what changes something it refuses anyway.
    """
    if not visit.api.caller.system:
        raise Refusal(403, "Forbidden", "this needs a SYSTEM key", {})


PAGES: Pages = (("/admin", ["GET"], begin),)
