"""Every screen of the portal, as the application's own table of routes has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hub.portal.app import ROOT, pages
from tests.browser.house import House

PARTS = frozenset(
    {
        "/integrations/rows",
        "/integrations/providers",
        "/integrations/{integration_id}/state",
        "/integrations/{integration_id}/went",
        "/integrations/{integration_id}/lately",
        "/integrations/{integration_id}/replays/progress",
        "/integrations/{integration_id}/parked/count",
        "/learning/syncs/rows",
        "/learning/syncs/{sync_id}/state",
        "/sources/{source_id}/files",
        "/sources/{source_id}/files/{file_id}/state",
    }
)
"""What pages ask for themselves anew: not whole pages."""
ELSEWHERE = frozenset(
    {
        "",
        "/admin",
        "/integrations/{integration_id}/queue/download",
        "/integrations/{integration_id}/parked/download",
        "/sources/{source_id}/files/{file_id}/download",
    }
)
"""What only leads to another page, or is kept as a file."""
ASKED = {
    "/integrations/{integration_id}/parked/sure": "verb=release&all=yes",
    "/learning/event": "id={event_id}",
    "/learning/event/delete": "id={event_id}",
}
"""What has to be asked behind a path for the page to make sense."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One page: its route, what stands in its path, and what is asked behind it."""

    route: str
    ids: Mapping[str, str] = field(default_factory=dict)
    """By the name in the path; an integration is named as the house names it."""
    query: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.route, *self.ids.values(), self.query)))

    def path(self, house: House) -> str:
        """Say where it is in a house."""
        ids = {
            **house.ids,
            **{name: house.integrations.get(it, it) for name, it in self.ids.items()},
        }
        query = self.query.format(**house.ids)
        return ROOT + self.route.format(**ids) + (f"?{query}" if query else "")


def _one(name: str) -> Mapping[str, str]:
    return {"integration_id": name}


IT = "/integrations/{integration_id}"
FURTHER = (
    *(Screen(IT, _one(name)) for name in ("parking", "down", "unreached", "refused", "disabled")),
    *(Screen(f"{IT}/{last}", _one("parking")) for last in ("parked", "attempts", "delete")),
    Screen(f"{IT}/attempts", _one("down")),
    Screen(f"{IT}/find", query="id={statement_id}"),
    Screen("/integrations", query="q=nothing-is-called-so"),
    *(Screen("/sources/add/{kind}", {"kind": kind}) for kind in ("webhook", "poll", "bucket")),
)
"""The same pages with something else on them."""


def routes(method: str) -> Sequence[str]:
    """Give the paths that can be asked so, for whoever has signed in."""
    return list(dict.fromkeys(path for path, methods, _ in pages() if method in methods))


WHOLE = [path for path in routes("GET") if path not in PARTS | ELSEWHERE]
SCREENS: Sequence[Screen] = (
    *(Screen(path, query=ASKED.get(path, "")) for path in WHOLE),
    *FURTHER,
)
