"""The golden files: a record, and what a recipe makes of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub.pipeline.mill.asking import Cooking, Ground, Piece, Target
from hub.pipeline.mill.cooking import cooking_by
from hub.pipeline.mill.making import grind
from hub.recipes.catalogue import Catalogue
from hub.recipes.context import Table
from hub.recipes.record import Record
from hub.records.format import Encoding, Format, Kind

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(GOLDEN.glob("*/*.json"))
LANDED_AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
TARGET = Target("a", account_home_page="https://sso.example.org", verbs=("completed",))


@dataclass(frozen=True, slots=True)
class Kept:
    """A table in memory."""

    records: Mapping[str, Record]

    def find(self, key: str) -> Record | None:
        return self.records.get(key)


def ground(case: Mapping[str, object], recipe: str) -> Ground:
    """Make statements of a case, as the mill does: read as JSON, cooked, and checked."""
    found = Catalogue().find(recipe)
    assert found is not None, f"there is no recipe {recipe}"
    tables: dict[str, Table] = {
        name: Kept({key: Record(fields) for key, fields in kept.items()})
        for name, kept in _members(case, "tables").items()
    }
    piece = Piece(
        json.dumps(case["record"]).encode(),
        Format(Kind.JSON, Encoding.UTF_8),
        1,
        LANDED_AT,
        dict(_members(case, "headers")),
    )
    cooking = Cooking("a-source", recipe, dict(_members(case, "options")))
    return grind(piece, cooking, [TARGET], cooking_by(found.make, timed=False), tables)


def told(ground: Ground) -> object:
    """Give what a golden file says of it: statements, or why there are none."""
    if ground.faults:
        fault = ground.faults[0]
        return {"fault": {"field": fault.field, "reason": fault.reason}}
    if ground.skips:
        return {"skip": next(iter(ground.skips))}
    return [json.loads(made.body) for made in ground.made[0]]


def _members(case: Mapping[str, object], name: str) -> Mapping[str, Any]:
    found = case.get(name, {})
    assert isinstance(found, dict)
    return found
