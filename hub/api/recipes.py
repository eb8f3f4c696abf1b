"""Recipes: which there are, and what one makes of a record, before anything is saved."""

from typing import Any

import msgspec
import orjson
from fastapi import APIRouter, Response
from pydantic import Field

from hub.api.access import CallerOf
from hub.api.errors import NotFound, Unprocessable
from hub.api.house import HouseOf
from hub.api.strict import Form, Line, StrictRoute, View
from hub.pipeline.asking import Cooking, Ground, Piece, TableFile, Target
from hub.pipeline.lookups import NoTable
from hub.pipeline.milling import RecipeFault
from hub.records.format import Format, Kind
from hub.xapi.flaw import Flaw
from hub.xapi.rules import COMPLETED

router = APIRouter(prefix="/api/recipes", tags=["Sources"], route_class=StrictRoute)

ANYBODY = Target("preview", verbs=(COMPLETED,))


class RecipeView(View):
    """A recipe."""

    name: str
    about: str


class RecipesView(View):
    """All recipes, and what could not be read of the folder and the packages."""

    items: list[RecipeView]
    next: str | None = None
    faults: dict[str, str]


class RecipePreviewForm(Form):
    """A recipe with its options, and a record to try it on.

    `source` lends its lookup tables; `headers` are those a webhook would come with.
    """

    recipe: Line
    options: dict[str, Any] = Field(default_factory=dict)
    record: dict[str, Any]
    headers: dict[str, str] = Field(default_factory=dict)
    source: Line | None = None


@router.get("")
async def list_recipes(_: CallerOf, house: HouseOf) -> RecipesView:
    """List the recipes by name."""
    found = await house.milling.recipes()
    items = [RecipeView(name=one.name, about=one.about) for one in found.recipes]
    return RecipesView(items=items, faults=found.faults)


@router.post(
    "/preview",
    responses={
        200: {
            "description": "Statements, why there are none, or what is wrong with the record",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "statements": {"type": "array", "items": {"type": "object"}},
                            "skipped": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                            "errors": {"type": "array", "items": {"type": "object"}},
                        },
                        "required": ["statements", "skipped", "errors"],
                    }
                }
            },
        }
    },
    response_class=Response,
)
async def preview_recipe(form: RecipePreviewForm, caller: CallerOf, house: HouseOf) -> Response:
    """Make statements of a record, and keep nothing."""
    tables: dict[str, TableFile] = {}
    source_id = "preview"
    if form.source is not None:
        source = await house.sources.find(form.source)
        if source is None or not caller.may_read(source.program_id):
            raise NotFound(f"there is no source {form.source}")
        source_id = source.id
        try:
            tables = await house.lookups.of(source)
        except NoTable as error:
            raise Unprocessable([Flaw("/source", str(error))]) from error
    piece = Piece(
        content=orjson.dumps(form.record),
        form=Format(Kind.JSON),
        line=1,
        landed_at=house.clock(),
        headers={name.lower(): value for name, value in form.headers.items()},
    )
    cooking = Cooking(source_id, form.recipe, form.options, (), tables)
    try:
        await house.milling.check(form.recipe, form.options)
        (ground,) = await house.milling.grind([piece], cooking, [ANYBODY])
    except RecipeFault as fault:
        pointer = f"/options{fault.pointer}" if fault.pointer else "/recipe"
        raise Unprocessable([Flaw(pointer, fault.reason)]) from fault
    return Response(_written(ground), media_type="application/json")


def _written(ground: Ground) -> bytes:
    errors = [{"field": one.field, "reason": one.reason} for one in ground.faults]
    if ground.broken is not None:
        errors.append({"field": "", "reason": ground.broken.reason})
    shown = {
        "statements": [msgspec.Raw(one.body) for one in ground.made[0]],
        "skipped": next(iter(ground.skips), None),
        "errors": errors,
    }
    return msgspec.json.encode(shown)
