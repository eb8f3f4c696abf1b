"""A template, tried on an event: the row it makes, or where it is wrong."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import Field

from hub.api.access import CallerOf
from hub.api.house import HouseOf
from hub.api.strict import Form, StrictRoute
from hub.api.template_checks import BadTemplates, read_map
from hub.events.example import as_example
from hub.templates.fault import TemplateFault
from hub.xapi.flaw import Flaw, point

router = APIRouter(tags=["Subscriptions"], route_class=StrictRoute)


class PreviewForm(Form):
    """A template, or templates by category, and an event as publishers write it.

    Of the event, everything but PublisherEventData may be left out.
    """

    template: Annotated[str | dict[str, Any], Field(description="one template, or a map of them")]
    event: dict[str, Any]


@router.post(
    "/events/preview",
    responses={
        200: {
            "description": "The row; null, if events of this category are ignored",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "row": {"anyOf": [{"type": "object"}, {"type": "null"}]},
                            "category": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                        },
                        "required": ["row"],
                    }
                }
            },
        }
    },
    response_class=Response,
)
async def preview(form: PreviewForm, _: CallerOf, request: Request, house: HouseOf) -> Response:
    """Render a template on an event, and keep nothing.

    With a map of templates, `category` says which entry was taken.
    """
    event = as_example(form.event, await request.body(), house.clock())
    template: str | None
    if isinstance(form.template, str):
        template, key, pointer = form.template, None, "/template"
    else:
        category = event.content.category
        entry = read_map(form.template, "/template").entry_for(category.value if category else None)
        template, key = (entry.template, entry.key) if entry else (None, None)
        pointer = f"/template{point(key)}/batchRowTemplate" if key else "/template"
    if template is None:
        return _answer(None, None)
    (made,) = await house.renderer.render(template, [event])
    if isinstance(made, TemplateFault):
        raise BadTemplates([Flaw(pointer, str(made))], made)
    return _answer(made, key)


def _answer(row: str | None, key: str | None) -> Response:
    shown = {"row": orjson.Fragment(row) if row else None, "category": key}
    return Response(orjson.dumps(shown), media_type="application/json")
