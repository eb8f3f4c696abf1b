"""All recipes there are: of packages and of a folder; what cannot be read costs its own only."""

from pathlib import Path

import pytest

from hub.recipes.catalogue import BUILT_IN, Catalogue

PACKAGE = """
from functools import partial

def shop_floor(record, context):
    \"\"\"Trainings at the machines.

    Takes rows of the foremen's list;
    option: `hall`.

    What was not held makes no statement.
    \"\"\"
    return []

partly = partial(shop_floor)
words = "no function"
"""
ENTRIES = """
[hub.recipes]
shop-floor = ours_of_acme:shop_floor
partly = ours_of_acme:partly
words = ours_of_acme:words
gone = ours_of_acme:gone
nowhere = nothing_of_that_name:f
github = ours_of_acme:shop_floor
declarative = ours_of_acme:shop_floor
"""


def read_all(catalogue: Catalogue) -> Catalogue:
    for origin in catalogue.unread():
        catalogue.read(origin)
    return catalogue


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with recipes, as pip does."""
    about = tmp_path / "ours_of_acme-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: ours-of-acme\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRIES)
    (tmp_path / "ours_of_acme.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("installed")
def test_recipes_of_installed_packages_are_found_by_the_names_of_their_entries() -> None:
    catalogue = read_all(Catalogue())

    found = catalogue.find("shop-floor")

    assert found is not None
    assert found.about == "Trainings at the machines."
    takes = "Takes rows of the foremen's list; option: `hall`."
    assert found.details == f"{takes}\nWhat was not held makes no statement."
    assert catalogue.find("partly") is not None


@pytest.mark.usefixtures("installed")
def test_what_a_package_does_not_have_costs_that_entry_only() -> None:
    catalogue = read_all(Catalogue())

    assert len(catalogue.all()) == len(BUILT_IN) + 2
    assert catalogue.faults["words"] == "is no function, but str"
    assert catalogue.faults["gone"].startswith("cannot be loaded: AttributeError")
    assert catalogue.faults["nowhere"].startswith("cannot be loaded: ModuleNotFoundError")
    assert catalogue.faults["github"] == "another recipe is called github already"
    assert catalogue.faults["declarative"] == "another recipe is called declarative already"


def test_a_file_with_a_name_that_is_taken_is_told_by_the_name_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text("def github(record, context):\n    return []\n")

    catalogue = read_all(Catalogue(tmp_path))

    assert catalogue.faults == {"ours.py": "another recipe is called github already"}


def test_a_file_that_cannot_be_read_costs_its_own_recipes_only(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("def good(record, context):\n    return []\n")
    (tmp_path / "ends.py").write_text("raise SystemExit(3)")
    (tmp_path / "wrong.py").write_text("def wrong(:")
    (tmp_path / "_hidden.py").write_text("raise RuntimeError")
    catalogue = read_all(Catalogue(tmp_path))

    assert catalogue.find("good") is not None
    assert catalogue.faults["ends.py"].startswith("cannot be read: SystemExit")
    assert catalogue.faults["wrong.py"].startswith("cannot be read: SyntaxError")
    assert set(catalogue.faults) == {"ends.py", "wrong.py"}


def test_a_folder_that_is_not_there_has_no_recipes(tmp_path: Path) -> None:
    catalogue = read_all(Catalogue(tmp_path / "none"))
    assert len(catalogue.all()) == len(BUILT_IN)
    assert catalogue.is_current()
