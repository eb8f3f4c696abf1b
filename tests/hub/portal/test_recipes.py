"""The page of recipes: what can be used, what cannot, and how one is written, as it works."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.portal.wording.recipe_advice import advise
from hub.portal.wording.recipe_help import HELD, PYTHON, RECIPE, RECORD, WRITTEN
from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import Browser

ROOT = "/portal/sources"
Keys = dict[str, str]
BROKEN = "def shop_floor(record, context)\n    return []\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "recipes"
    made.mkdir(exist_ok=True)
    return made


async def tried(hub: Hub, recipe: str, options: object, record: object) -> Mapping[str, Any]:
    asked = {"recipe": recipe, "options": options, "record": record}
    answer = await hub.acme.post("/api/recipes/preview", json=asked)
    told: Mapping[str, Any] = answer.raise_for_status().json()
    assert not told["errors"], told
    return told


async def test_the_page_of_recipes_shows_what_can_be_used_and_how_to_write_more(
    browser: Browser, keys: Keys
) -> None:
    await browser.sign_in(keys["reader"])
    await browser.go(ROOT)
    assert f'href="{ROOT}/recipes"' in browser.answer.text
    await browser.go(f"{ROOT}/recipes")
    assert "zoom-attendance" in browser.text
    assert "until somebody mends" not in browser.text
    assert "{{eq state 'done'}}" in browser.text
    assert "def shop_floor(record: Record, context: Context) -> Made:" in browser.text


async def test_files_that_cannot_be_used_are_told_where_recipes_are_chosen(
    browser: Browser, keys: Keys, folder: Path
) -> None:
    (folder / "shop_floor.py").write_text(BROKEN)
    await browser.sign_in(keys["acme"])
    for path in (f"{ROOT}/recipes", f"{ROOT}/add/csv"):
        await browser.go(path)
        assert "One recipe is left out" in browser.text
        assert "shop_floor.py cannot be read: SyntaxError" in browser.text
    for number in range(2):
        (folder / f"further_{number}.py").write_text(BROKEN)
    for path, is_open in ((f"{ROOT}/recipes", True), (f"{ROOT}/add/csv", False)):
        page = await browser.go(path)
        assert "3 recipes are left out" in browser.text
        assert ('faults" open>' in page.text) is is_open


async def test_a_source_keeps_a_recipe_that_cannot_be_used_now(
    browser: Browser, keys: Keys, hub: Hub, folder: Path
) -> None:
    (folder / "shop_floor.py").write_text(PYTHON)
    form = {"name": "Halls", "kind": "csv", "recipe": "shop-floor"}
    made = (await hub.acme.post("/api/programs/ACME/sources", json=form)).json()
    (folder / "shop_floor.py").write_text(BROKEN)
    await browser.sign_in(keys["acme"])

    page = await browser.go(f"{ROOT}/{made['id']}/edit")

    assert '<option value="shop-floor" selected>' in page.text
    assert "cannot be used now" in browser.text


async def test_the_recipe_that_is_shown_makes_a_statement_of_the_record_that_is_shown(
    hub: Hub,
) -> None:
    (made,) = (await tried(hub, "declarative", RECIPE, RECORD))["statements"]

    assert made["actor"] == {"mbox": "mailto:ada@example.org"}
    assert made["result"] == {"score": {"raw": 87}, "success": True}


@pytest.mark.parametrize(("template", "makes"), [one[:2] for one in WRITTEN])
async def test_what_is_shown_to_be_written_makes_what_is_shown(
    hub: Hub, template: str, makes: str
) -> None:
    options = {**RECIPE, "context": {"platform": template}}

    (made,) = (await tried(hub, "declarative", options, RECORD))["statements"]

    assert made["context"]["platform"] == makes


async def test_the_recipe_in_python_that_is_shown_works(hub: Hub, folder: Path) -> None:
    (folder / "shop_floor.py").write_text(PYTHON)

    (made,) = (await tried(hub, "shop-floor", {"timezone": "Europe/Berlin"}, HELD))["statements"]

    assert made["result"] == {"duration": "PT1H30M"}
    assert made["timestamp"] == "2026-01-31T07:00:00.000Z"


MAIL, HAS = "mailto:{{email}}", "The record has no such field, but: email, points."
MISTAKES: Mapping[str, tuple[dict[str, object], str]] = {
    "a brace is missing": ({"actor": {"mbox": "mailto:{{email}"}}, "A brace may be missing"),
    "a field is misspelt": ({"actor": {"mbox": "mailto:{{emial}}"}}, f"asks for emial. {HAS}"),
    "a helper is unknown": ({"verb": {"id": "{{shout points}}"}}, "has a list of helpers"),
    "a sign compares": ({"when": "{{points == 87}}"}, "compared by helpers, not by signs"),
    "a condition asks for nothing": ({"when": "{{eq state 'done'}}"}, f"asks for state. {HAS}"),
    "a number has two braces": (
        {"result": {"score": {"raw": "{{points}}"}}},
        "Three braces, and nothing else in the text",
    ),
    "a verb is a word": ({"verb": {"id": "completed"}}, "a whole address without spaces"),
    "a part is unknown": ({"verbs": {}}, "these parts and no others"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_in_a_recipe_is_told_with_what_to_do(
    browser: Browser, keys: Keys, mistake: str
) -> None:
    wrong, told = MISTAKES[mistake]
    good = {
        "actor": {"mbox": MAIL},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://example.org/courses/engines"},
    }
    options = json.dumps({**good, **wrong})
    await browser.sign_in(keys["acme"])
    await browser.go(f"{ROOT}/add/csv")

    form = {"name": "Rows", "recipe": "declarative", "recipeOptions": options}
    sample = '{"email": "ada@example.org", "points": 87}'
    await browser.send(f"{ROOT}/add/csv/try", **form, sample=sample)

    assert told in browser.text


@pytest.mark.parametrize(
    "template",
    [
        "{{a}}",
        "{{[b c]}}",
        "{{eq a 'x'}}",
        "{{#if a}}{{n.m}}{{else}}-{{/if}}",
        "{{#if a}}1{{else if n.m}}2{{/if}}",
        "{{#each a}}{{of_it}}{{/each}}",
        "{{t.any}}",
        "{{@x}}",
        "{{round (add a 7) 1}}",
        "{{{gte a 50}}}",
        "{{this}}",
        "plain",
    ],
)
def test_fields_that_are_there_are_not_missed(template: str) -> None:
    record = {"a": 1, "b c": 2, "n": {"m": 3}}

    assert not advise({"when": template, "join": {"t": "a"}}, record, "when", "")


def test_of_many_fields_and_of_a_long_template_some_is_said() -> None:
    record = {f"field_{number}": 1 for number in range(10_000)}

    told = advise({"when": "{{gone}}" + "\\{{" * 500_000}, record, "when", "")

    assert told.endswith("field_18, field_19, ….")
    assert len(told) < 1000
