"""Which source a page is about: where the API has it, where its pages begin, what all tell."""

from urllib.parse import urljoin

from hub.portal.inside import Facts
from hub.portal.visit import Visit
from hub.portal.ways import HOME


def path_of(visit: Visit) -> str:
    """Give where the API has the source."""
    return f"/api/sources/{visit.request.path_params['source_id']}"


def root_of(visit: Visit) -> str:
    """Give the first page of the source."""
    return f"{HOME}/sources/{visit.request.path_params['source_id']}"


async def source_of(visit: Visit) -> Facts:
    """Ask for the source, and say what every page of it tells."""
    it = await visit.api.get(path_of(visit))
    hook = urljoin(str(visit.request.base_url), it.get("hookUrl", ""))
    may_write = visit.api.caller.may_write(it["programId"])
    return {"it": it, "hook": hook, "may_write": may_write}
