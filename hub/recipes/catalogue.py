"""All recipes there are: built in, of installed packages, and of a folder of Python files.

What is not built in is read when it is said to, one origin at a time: reading runs foreign code,
and whoever says so bounds it. One that cannot be read is told, and costs its own recipes only.
"""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

from hub.recipes.crm_activity import crm_activity
from hub.recipes.csv_completions import csv_completions
from hub.recipes.email_engagement import email_engagement
from hub.recipes.github import github
from hub.recipes.kit import Recipe
from hub.recipes.origin import GROUP, Origin, entries, files_of
from hub.recipes.zoom_attendance import zoom_attendance

BUILT_IN = (csv_completions, zoom_attendance, email_engagement, crm_activity, github)
DECLARATIVE = "declarative"
MODULE = "hub_recipes_folder_"
LONGEST_LINE, LONGEST_DETAILS = 300, 4000


class Catalogue:
    """The recipes of this process. `faults` says which origins could not be read, and why."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._entries = entries()
        self._known: set[Origin] = set()
        self._recipes = {one.name: one for one in (_recipe(name_of(f), f) for f in BUILT_IN)}
        self.faults: dict[str, str] = {}

    def find(self, name: str) -> Recipe | None:
        """Give the recipe of a name, among those that are read."""
        return self._recipes.get(name)

    def all(self) -> dict[str, Recipe]:
        """Give all recipes that are read, by name."""
        return self._recipes

    def is_current(self) -> bool:
        """Say whether all there is, and nothing else, is read."""
        return self._known == set(self._there())

    def unread(self) -> list[Origin]:
        """Give what there is and was not read yet."""
        return [one for one in self._there() if one not in self._known]

    def has_changed(self) -> bool:
        """Say whether something that was read is another one now, or gone."""
        return not self._known.issubset(self._there())

    def read(self, origin: Origin) -> None:
        """Read an origin: whatever it does when it is read happens here and now."""
        self._known.add(origin)
        try:
            found = list(self._of_file(origin) if origin.is_file else self._of_package(origin))
        except MemoryError:
            self.faults[origin.name] = "needs too much memory to be read"
        except (Exception, SystemExit, KeyboardInterrupt, GeneratorExit) as error:  # noqa: BLE001  whatever foreign code does
            self.faults[origin.name] = f"cannot be {_verb(origin)}: {words_of(error)}"
        else:
            for recipe in found:
                self._add(recipe, origin)

    def refuse(self, origin: Origin, reason: str) -> None:
        """Leave an origin unread, because of what it did elsewhere."""
        self._known.add(origin)
        self.faults[origin.name] = reason

    def _there(self) -> list[Origin]:
        return [*self._entries, *files_of(self._folder)]

    def _add(self, recipe: Recipe, origin: Origin) -> None:
        if recipe.name in self._recipes or recipe.name == DECLARATIVE:
            self.faults[origin.name] = f"another recipe is called {recipe.name} already"
        else:
            self._recipes[recipe.name] = recipe

    def _of_package(self, origin: Origin) -> Iterator[Recipe]:
        make = EntryPoint(origin.name, origin.stamp, GROUP).load()
        if callable(make):
            yield _recipe(origin.name, make)
        else:
            self.faults[origin.name] = f"is no function, but {type(make).__name__}"

    def _of_file(self, origin: Origin) -> Iterator[Recipe]:
        path = (self._folder or Path()) / origin.name
        name = MODULE + path.stem
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path.name} is no module")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            # With it goes what it holds.
            del sys.modules[name]
            raise
        for found in vars(module).values():
            if _is_recipe(found, name):
                yield _recipe(name_of(found), found)


def words_of(error: BaseException) -> str:
    """Say what an exception of foreign code is; its own words may fail too."""
    name = type(error).__name__
    try:
        words = str(error)
    except Exception:  # noqa: BLE001  whatever foreign code does
        words = ""
    return f"{name}: {words}" if words else name


def name_of(make: Callable[..., object]) -> str:
    """Give the name of a recipe: that of its function, with dashes."""
    return make.__name__.replace("_", "-")


def _recipe(name: str, make: Callable[..., object]) -> Recipe:
    module = sys.modules.get(getattr(make, "__module__", ""))
    of_module = (module.__doc__ if module else "") or ""
    about, further = _paragraphs(make.__doc__ or of_module)
    details = further or _paragraphs(of_module)[1]
    return Recipe(name, make, about, details)  # type: ignore[arg-type]  # checked when it is called


def _paragraphs(written: str) -> tuple[str, str]:
    """Give the first line of what is written, and the paragraphs below it, each as one line."""
    about, _, rest = inspect.cleandoc(written).partition("\n")
    paragraphs = (" ".join(one.split()) for one in rest.split("\n\n"))
    return about[:LONGEST_LINE], "\n".join(filter(None, paragraphs))[:LONGEST_DETAILS]


def _is_recipe(found: object, module: str) -> bool:
    return (
        callable(found)
        and not isinstance(found, type)
        and getattr(found, "__module__", None) == module
        and not getattr(found, "__name__", "_").startswith("_")
    )


def _verb(origin: Origin) -> str:
    return "read" if origin.is_file else "loaded"
