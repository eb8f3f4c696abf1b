"""The recipes there are, which of them cannot be used, and how one is written."""

from starlette.responses import Response

from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.wording import recipe_help


async def recipes(visit: Visit) -> Response:
    """Show what each recipe takes, and how to write another."""
    found = await visit.api.get("/api/recipes")
    return visit.page(
        "sources/recipes.html",
        recipes=found["items"],
        faults=found["faults"],
        record=recipe_help.shown(recipe_help.RECORD),
        recipe=recipe_help.shown(recipe_help.RECIPE),
        written=recipe_help.WRITTEN,
        python=recipe_help.PYTHON,
        kit=recipe_help.KIT,
    )


PAGES: Pages = (("/sources/recipes", ["GET"], recipes),)
