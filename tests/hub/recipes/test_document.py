"""What RECIPES.md shows works as it stands."""

import json
import re
from pathlib import Path

from hub.recipes.context import Context
from hub.recipes.declarative import texts_of
from hub.recipes.kit import Skip
from hub.recipes.record import Record
from tests.hub.recipes.cases import Kept

WRITTEN = (Path(__file__).parents[3] / "RECIPES.md").read_text()


def test_the_recipe_in_python_works_and_so_does_its_test() -> None:
    recipe, its_test = re.findall(r"```python\n(.*?)```", WRITTEN, re.DOTALL)
    room: dict[str, object] = {}

    exec(recipe + "\n" + its_test, room)  # noqa: S102  it is our own document

    shop_floor = room["shop_floor"]
    assert callable(shop_floor)
    people = Kept({"7": Record({"email": "ada@example.org", "name": "Ada"})})
    held = Record(
        {
            "state": "held",
            "employee_no": "7",
            "training": "saw",
            "begun_at": "2026-03-02 10:00",
            "minutes": "90",
        }
    )
    made = shop_floor(held, Context({"timezone": "Europe/Berlin"}, tables={"people": people}))
    assert not isinstance(made, Skip)
    assert made["timestamp"] == "2026-03-02T09:00:00.000Z"
    assert made["result"] == {"duration": "PT1H30M"}
    assert made["actor"] == {"mbox": "mailto:ada@example.org", "name": "Ada"}


def test_the_declarative_recipe_is_one() -> None:
    (written,) = re.findall(r"```json\n(.*?)```", WRITTEN, re.DOTALL)

    assert len(texts_of(json.loads(written))) >= 8
