"""All recipes there are: built in, of installed packages, and of a folder of Python files.

A file of the folder is read anew when it changes. One that cannot be read is told, and costs its
own recipes only.
"""

import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from hub.recipes.crm_activity import crm_activity
from hub.recipes.csv_completions import csv_completions
from hub.recipes.email_engagement import email_engagement
from hub.recipes.github import github
from hub.recipes.kit import Recipe
from hub.recipes.zoom_attendance import zoom_attendance

GROUP = "hub.recipes"
BUILT_IN = (csv_completions, zoom_attendance, email_engagement, crm_activity, github)
DECLARATIVE = "declarative"
MODULE = "hub_recipes_folder_"

Stamp = tuple[tuple[str, int, int], ...]


class Catalogue:
    """The recipes of this process. `faults` says which files and packages could not be read."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._stamp: Stamp | None = None
        self._recipes: dict[str, Recipe] = {}
        self.faults: dict[str, str] = {}

    def find(self, name: str) -> Recipe | None:
        """Give the recipe of a name."""
        return self.all().get(name)

    def all(self) -> dict[str, Recipe]:
        """Give all recipes by name."""
        stamp = _stamp(self._folder)
        if stamp != self._stamp:
            self._stamp, self.faults, self._recipes = stamp, {}, {}
            for recipe in (_recipe(name_of(make), make) for make in BUILT_IN):
                self._recipes[recipe.name] = recipe
            for recipe in (*self._of_packages(), *self._of_folder()):
                self._add(recipe)
        return self._recipes

    def _add(self, recipe: Recipe) -> None:
        if recipe.name in self._recipes or recipe.name == DECLARATIVE:
            self.faults[recipe.name] = "another recipe has this name"
        else:
            self._recipes[recipe.name] = recipe

    def _of_packages(self) -> Iterator[Recipe]:
        for entry in importlib.metadata.entry_points(group=GROUP):
            try:
                make = entry.load()
            except (Exception, SystemExit) as error:  # noqa: BLE001  whatever a package does when it is loaded
                self.faults[entry.name] = f"cannot be loaded: {_words(error)}"
                continue
            if callable(make):
                yield _recipe(entry.name, make)
            else:
                self.faults[entry.name] = f"is no function, but {type(make).__name__}"

    def _of_folder(self) -> Iterator[Recipe]:
        for path in sorted(self._folder.glob("*.py")) if self._folder else ():
            name = MODULE + path.stem
            spec = importlib.util.spec_from_file_location(name, path)
            if path.name.startswith("_") or spec is None or spec.loader is None:
                continue
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            try:
                spec.loader.exec_module(module)
            except (Exception, SystemExit) as error:  # noqa: BLE001  whatever a file does when it is read
                self.faults[path.name] = f"cannot be read: {_words(error)}"
                continue
            for found in vars(module).values():
                if _is_recipe(found, name):
                    yield _recipe(name_of(found), found)


def name_of(make: Callable[..., object]) -> str:
    """Give the name of a recipe: that of its function, with dashes."""
    return make.__name__.replace("_", "-")


def _recipe(name: str, make: Callable[..., object]) -> Recipe:
    module = sys.modules.get(getattr(make, "__module__", ""))
    written = make.__doc__ or (module.__doc__ if module else "") or ""
    return Recipe(name, make, written.strip().partition("\n")[0])  # type: ignore[arg-type]  # checked when it is called


def _is_recipe(found: object, module: str) -> bool:
    return (
        callable(found)
        and not isinstance(found, type)
        and getattr(found, "__module__", None) == module
        and not getattr(found, "__name__", "_").startswith("_")
    )


def _stamp(folder: Path | None) -> Stamp:
    if folder is None or not folder.is_dir():
        return ()
    found = [(path.name, path.stat()) for path in sorted(folder.glob("*.py"))]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]
