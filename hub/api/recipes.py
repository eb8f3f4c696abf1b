"""Recipes: which there are, and what one makes of a record, before anything is saved."""

from typing import Annotated, Any, Self

import msgspec
import orjson
from fastapi import APIRouter, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hub.api.access import CallerOf
from hub.api.errors import NotFound, Unprocessable
from hub.api.house import House, HouseOf
from hub.api.strict import Form, Line, StrictRoute, View
from hub.pipeline.chunks.lookups import NoTable
from hub.pipeline.chunks.milling import RecipeFault
from hub.pipeline.mill.asking import Cooking, Ground, Piece, TableFile, Target
from hub.records.fault import FileFault
from hub.records.format import Format, Kind
from hub.sources.settings import Reading
from hub.xapi.flaw import Flaw
from hub.xapi.rules import COMPLETED

router = APIRouter(prefix="/api/recipes", tags=["Sources"], route_class=StrictRoute)

LONGEST_SAMPLE = 64 * 1024
MOST_SHOWN = 50
ANYBODY = Target("preview", verbs=(COMPLETED,))


class RecipeView(View):
    """A recipe."""

    name: str
    about: str
    details: str = Field(description="what it takes, and its options, a paragraph a line")


class RecipesView(View):
    """All recipes, and what could not be read of the folder and the packages."""

    items: list[RecipeView]
    next: str | None = None
    faults: dict[str, str]


class RecipePreviewForm(Form):
    """A recipe with its options, and a record to try it on, or a sample of a file as text.

    `source` lends its lookup tables; `headers` are those a webhook would come with; `reading` says
    how the sample is read, as a source would.
    """

    recipe: Line
    options: dict[str, Any] = Field(default_factory=dict)
    record: dict[str, Any] | None = None
    sample: Annotated[str, Field(min_length=1, max_length=LONGEST_SAMPLE)] | None = None
    reading: Reading = Field(default_factory=Reading)
    headers: dict[str, str] = Field(default_factory=dict)
    source: Line | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.record is None) == (self.sample is None):
            raise PydanticCustomError("sample", "give either a record or a sample")
        return self


@router.get("")
async def list_recipes(_: CallerOf, house: HouseOf) -> RecipesView:
    """List the recipes by name."""
    found = await house.milling.recipes()
    items = [
        RecipeView(name=one.name, about=one.about, details=one.details) for one in found.recipes
    ]
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
                            "rows": {"type": "integer"},
                            "statements": {"type": "array", "items": {"type": "object"}},
                            "skipped": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                            "skips": {"type": "object"},
                            "errors": {"type": "array", "items": {"type": "object"}},
                        },
                        "required": ["rows", "statements", "skipped", "skips", "errors"],
                    }
                }
            },
        }
    },
    response_class=Response,
)
async def preview_recipe(form: RecipePreviewForm, caller: CallerOf, house: HouseOf) -> Response:
    """Make statements of a record or of a sample, and keep nothing.

    Of a sample the first statements are shown; `skips` says how often records were passed over and
    why, `errors` at which line and field one is wrong.
    """
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
    piece = await _piece(form, house)
    cooking = Cooking(source_id, form.recipe, form.options, (), tables)
    try:
        await house.milling.check(form.recipe, form.options)
        (ground,) = await house.milling.grind([piece], cooking, [ANYBODY])
    except RecipeFault as fault:
        pointer = f"/options{fault.pointer}" if fault.pointer else "/recipe"
        raise Unprocessable([Flaw(pointer, fault.reason)]) from fault
    return Response(_written(ground), media_type="application/json")


async def _piece(form: RecipePreviewForm, house: House) -> Piece:
    content, read, line = orjson.dumps(form.record), Format(Kind.JSON), 1
    if form.sample is not None:
        content = form.sample.encode("utf-8", "surrogatepass")
        hints = msgspec.structs.replace(form.reading.hints, encoding="utf-8")
        try:
            read = await house.milling.look(content, hints, whole=True)
        except FileFault as fault:
            raise Unprocessable([Flaw("/sample", str(fault))]) from fault
        content, line = content[read.begins :], read.first_line
    return Piece(
        content=content,
        form=read,
        line=line,
        landed_at=house.clock(),
        headers={name.lower(): value for name, value in form.headers.items()},
    )


def _written(ground: Ground) -> bytes:
    errors: list[dict[str, object]] = [
        {"line": one.line, "field": one.field, "reason": one.reason}
        for one in ground.faults[:MOST_SHOWN]
    ]
    if ground.broken is not None:
        broken = ground.broken
        errors.append({"line": broken.line or 1, "field": "", "reason": broken.reason})
    shown = {
        "rows": ground.rows,
        "statements": [msgspec.Raw(one.body) for one in ground.made[0][:MOST_SHOWN]],
        "skipped": next(iter(ground.skips), None),
        "skips": ground.skips,
        "errors": errors,
    }
    return msgspec.json.encode(shown)
