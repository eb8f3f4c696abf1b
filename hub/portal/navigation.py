"""The places that every page leads to, and who may go there. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ROOT = "/portal"


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to go: `needs` a program that is looked at, or a SYSTEM key."""

    label: str
    path: str
    needs: Literal["program", "system"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A place, as one page shows it."""

    label: str
    path: str
    is_here: bool


PLACES = (
    Place("Integrations", f"{ROOT}/integrations", "program"),
    Place("Sources", f"{ROOT}/sources", "program"),
    Place("Learning Hub", f"{ROOT}/learning", "program"),
    Place("Changes", f"{ROOT}/changes", "program"),
    Place("Administration", f"{ROOT}/admin", "system"),
)


def places(path: str, *, has_program: bool, is_system: bool) -> Sequence[Shown]:
    """Give the places that somebody at `path` can go to."""
    has = {"program": has_program, "system": is_system}
    return [
        Shown(one.label, one.path, is_here=f"{path}/".startswith(f"{one.path}/"))
        for one in PLACES
        if has[one.needs]
    ]
