"""Every built-in recipe, by golden files: what a record of a real sender becomes.

`python -m tests.hub.recipes.test_golden` writes them anew; then read what changed.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

from hub.recipes.catalogue import BUILT_IN, name_of
from hub.xapi.reading import read
from hub.xapi.rules import Rules
from tests.hub.recipes.cases import CASES, GOLDEN, LANDED_AT, ground, told

NAMES = [f"{path.parent.name}/{path.stem}" for path in CASES]


def _case(name: str) -> dict[str, object]:
    found = json.loads((GOLDEN / f"{name}.json").read_text())
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_record_becomes_what_its_golden_file_says(name: str) -> None:
    case = _case(name)
    assert told(ground(case, name.partition("/")[0])) == case["gives"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_made_is_xapi_and_is_made_again_with_the_same_ids(name: str) -> None:
    case = _case(name)
    first, again = (ground(case, name.partition("/")[0]) for _ in range(2))
    bodies = [made.body for made in first.made[0]]
    assert bodies == [made.body for made in again.made[0]]
    for body in bodies:
        assert len(read(body, Rules(), now=LANDED_AT, max_batch=1)) == 1
    assert len({made.id for made in first.made[0]}) == len(bodies)


def test_every_built_in_recipe_has_records_it_takes_skips_and_refuses() -> None:
    kinds: Counter[tuple[str, str]] = Counter()
    for name in NAMES:
        gives = _case(name)["gives"]
        kinds[name.partition("/")[0], next(iter(gives)) if isinstance(gives, dict) else "made"] += 1
    for make in BUILT_IN:
        recipe = name_of(make)
        assert kinds[recipe, "made"] >= 2, recipe
        assert kinds[recipe, "fault"] >= 1, recipe
        # Every row of completions is one: nothing of it is passed over.
        assert kinds[recipe, "skip"] >= 1 or recipe == "csv-completions", recipe


def test_every_verb_and_type_that_a_golden_file_has_is_in_the_document_of_recipes() -> None:
    written = (Path(__file__).parents[3] / "RECIPES.md").read_text()
    for name in NAMES:
        gives = _case(name)["gives"]
        for statement in gives if isinstance(gives, list) else ():
            if name.startswith("csv-completions"):
                continue
            assert statement["verb"]["id"] in written, name
            assert statement["object"]["definition"]["type"] in written, name


def main() -> None:
    """Write what recipes give today into the golden files."""
    for path in CASES:
        case = json.loads(path.read_text())
        case["gives"] = told(ground(case, path.parent.name))
        path.write_text(json.dumps(case, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
