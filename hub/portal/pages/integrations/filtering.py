"""Lists of one integration that are filtered: what is asked for, and what is wrong with that."""

import re
from collections.abc import Mapping, Sequence

from hub.portal.inside import Facts, Refusal
from hub.portal.pages.integrations.subject import path_of
from hub.portal.visit import Visit

PARAMETER = re.compile(r"the query parameter (\w+) (.+)")


def wanted_of(visit: Visit, names: Sequence[str]) -> dict[str, str]:
    """Read the fields of a filter."""
    return {name: visit.request.query_params.get(name, "").strip() for name in names}


async def listed(
    visit: Visit, what: str, wanted: Mapping[str, str]
) -> tuple[Facts, Facts, Mapping[str, str]]:
    """Give the integration, a page of its list, and the filter's errors by their field."""
    path = path_of(visit)
    it = await visit.api.get(path)
    try:
        page = await visit.listed(f"{path}/{what}", **wanted)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        return it, {"items": [], "next": None, "lookedAt": 0}, _errors(refusal)
    return it, page, {}


def _errors(refusal: Refusal) -> dict[str, str]:
    found = PARAMETER.fullmatch(str(refusal))
    return {found[1]: found[2]} if found else {"": str(refusal)}
