"""The mill: answers what it is asked, in the child process. Whatever comes, it answers."""

import threading
from collections.abc import Mapping

from hub.pipeline.mill.asking import (
    Answer,
    Asked,
    Bad,
    Check,
    Cooking,
    CutAnswer,
    CutUp,
    Fine,
    Grind,
    GroundAnswer,
    ListRecipes,
    Look,
    Looked,
    ReadOrigin,
    RecipeFact,
    Recipes,
    Spoilt,
    Unread,
)
from hub.pipeline.mill.cooking import Cook, TooSlow, cooking_by, within
from hub.pipeline.mill.making import LONGEST_REASON, grind, shown
from hub.pipeline.mill.rendering import Rendering
from hub.pipeline.mill.surroundings import Surroundings, memory
from hub.pipeline.mill.tables import Shelf
from hub.recipes.catalogue import BUILT_IN, DECLARATIVE, Catalogue
from hub.recipes.csv_completions import check_options, csv_completions
from hub.recipes.declarative import BadRecipe
from hub.recipes.faults import RecordFault
from hub.recipes.kit import Recipe
from hub.recipes.origin import Origin
from hub.records.cutting import cut
from hub.records.fault import FileFault
from hub.records.looking import look

MOST_KEPT = 256 * 1024 * 1024
"""So much memory a file of recipes may keep: others need some too."""
ABOUT_DECLARATIVE = "Handlebars templates for each part of a statement, and a condition."


class NotRead(Exception):
    """There are recipes that have to be read first."""


class Mill:
    """Looks, cuts and grinds."""

    def __init__(self, catalogue: Catalogue, reading_seconds: float) -> None:
        self._catalogue = catalogue
        self._reading_seconds = reading_seconds
        self._rendering = Rendering()
        self._shelf = Shelf()

    def answer(self, asked: Asked) -> Answer:
        """Answer; what is wrong with a file or a recipe is an answer too."""
        try:
            match asked:
                case Look(sample, hints, whole):
                    return Looked(look(sample, hints, whole=whole))
                case CutUp(content, form, line, at_end):
                    return CutAnswer(cut(content, form, line=line, at_end=at_end))
                case Grind():
                    return self._grind(asked)
                case Check(recipe, options):
                    self._check(recipe, options)
                    return Fine()
                case ListRecipes():
                    return self._list()
                case ReadOrigin(origin, refused):
                    return self._read(origin, refused)
        except NotRead:
            return Unread(self._catalogue.unread(), self._catalogue.has_changed())
        except FileFault as fault:
            return Bad(fault.reason, fault.line)
        except BadRecipe as error:
            return Bad(error.reason, pointer=error.pointer)
        except RecordFault as error:
            return Bad(str(error))

    def _read(self, origin: Origin, refused: str | None) -> Answer:
        if refused is not None:
            self._catalogue.refuse(origin, refused)
            return Fine()
        before, had = threading.active_count(), memory()
        try:
            with within(self._reading_seconds):
                self._catalogue.read(origin)
        except TooSlow:
            return Spoilt(f"takes longer than {self._reading_seconds:g} s to be read")
        if threading.active_count() > before:
            return Spoilt("starts a thread when it is read")
        if memory() - had > MOST_KEPT:
            return Spoilt(f"keeps more than {MOST_KEPT // 1024 // 1024} MiB of memory")
        return Fine()

    def _grind(self, asked: Grind) -> Answer:
        cook = self._cook(asked.cooking)
        is_tried = not all(one.untried for one in asked.pieces)
        tables = self._shelf.take(asked.cooking.tables) if is_tried else {}
        before = Surroundings.now()
        pieces = [grind(one, asked.cooking, asked.targets, cook, tables) for one in asked.pieces]
        return GroundAnswer(pieces, is_spoilt=Surroundings.now() != before)

    def _cook(self, cooking: Cooking) -> Cook:
        if cooking.recipe == DECLARATIVE:
            return self._rendering.cook(cooking.options)
        recipe = self._recipe(cooking.recipe)
        return cooking_by(recipe.make, timed=recipe.make not in BUILT_IN)

    def _recipe(self, name: str) -> Recipe:
        """Give a recipe. Raises NotRead, unless it is built in; BadRecipe if there is none."""
        recipe = self._catalogue.find(name)
        if recipe is not None and recipe.make in BUILT_IN:
            return recipe
        self._must_be_read()
        if recipe is None:
            raise BadRecipe("", self._unknown(name))
        return recipe

    def _must_be_read(self) -> None:
        if not self._catalogue.is_current():
            raise NotRead

    def _check(self, name: str, options: Mapping[str, object]) -> None:
        if name == DECLARATIVE:
            self._rendering.check(options)
            return
        recipe = self._recipe(name)
        if recipe.make is csv_completions and (wrong := check_options(options)) is not None:
            raise BadRecipe(*wrong)

    def _unknown(self, name: str) -> str:
        faults = self._faults()
        if name in faults:
            return f"the recipe {name} {faults[name]}"
        known = ", ".join(sorted((*self._catalogue.all(), DECLARATIVE)))
        broken = "".join(f"; {one} {why}" for one, why in faults.items())
        return f"there is no recipe {name!r}; there are {known}{broken}"

    def _list(self) -> Recipes:
        self._must_be_read()
        known = self._catalogue.all().values()
        found = [RecipeFact(one.name, one.about, one.details) for one in known]
        found.append(RecipeFact(DECLARATIVE, ABOUT_DECLARATIVE))
        return Recipes(sorted(found, key=lambda one: one.name), self._faults())

    def _faults(self) -> dict[str, str]:
        return {
            name: shown(reason, LONGEST_REASON) for name, reason in self._catalogue.faults.items()
        }
