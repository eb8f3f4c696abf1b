"""Which providers a new integration is offered: all that are free; of many, some by their names."""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.responses import Response

from hub.portal.inside import Facts, Refusal
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit

OFFERED = 50
"""With more providers than these, one is typed by its name."""


class Untaken(NamedTuple):
    """The first providers that a program has no integration with, and whether there are more."""

    items: Sequence[Facts]
    more: bool


async def offered(visit: Visit) -> Untaken:
    """Give the providers that a program has no integration with yet."""
    return await _untaken(visit, "")


async def like(visit: Visit, words: str) -> Sequence[Facts]:
    """Give those whose name or id has these words in it."""
    return (await _untaken(visit, words)).items


async def named(visit: Visit, name: str) -> str:
    """Give the id of the only provider of a name or an id. Raises Refusal."""
    found = await _untaken(visit, name)
    same = [
        one
        for one in found.items
        if name.casefold() in (one["name"].casefold(), one["id"].casefold())
    ]
    same = [one for one in same if one["id"] == name] or same
    if len(same) == 1:
        return str(same[0]["id"])
    ids = ", ".join(one["id"] for one in same)
    told = f"Several are called so: type one of {ids}." if same else _advice(found)
    raise Refusal(422, "Which provider?", told, {"providerName": told})


async def options(visit: Visit) -> Response:
    """Give the choices for what is typed so far."""
    likely = await like(visit, visit.request.query_params.get("providerName", ""))
    return visit.page("integrations/provider_options.html", likely=likely)


def _advice(found: Untaken) -> str:
    if not found.items:
        return "No free provider is called so. Type some of its name, or its id."
    names = ", ".join(one["name"] for one in found.items[:5])
    return f"Type the whole name, such as {names}."


async def _untaken(visit: Visit, words: str) -> Untaken:
    path = f"/api/programs/{visit.program}/providers"
    page = await visit.api.get(path, q=words[:200], limit=OFFERED)
    return Untaken(page["items"], page["next"] is not None)


PAGES: Pages = (("/integrations/providers", ["GET"], options),)
