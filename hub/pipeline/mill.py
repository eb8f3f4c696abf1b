"""The mill: answers what it is asked, in the child process. Whatever comes, it answers."""

from collections.abc import Mapping

from hub.pipeline.asking import (
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
    RecipeFact,
    Recipes,
)
from hub.pipeline.cooking import Cook, cooking_by
from hub.pipeline.making import grind
from hub.pipeline.rendering import Rendering
from hub.pipeline.tables import Shelf
from hub.recipes.catalogue import BUILT_IN, DECLARATIVE, Catalogue
from hub.recipes.csv_completions import columns_of, csv_completions
from hub.recipes.declarative import BadRecipe
from hub.recipes.faults import RecordFault
from hub.records.cutting import cut
from hub.records.fault import FileFault
from hub.records.looking import look

ABOUT_DECLARATIVE = "Handlebars templates for each part of a statement, and a condition."


class Mill:
    """Looks, cuts and grinds."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
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
        except FileFault as fault:
            return Bad(fault.reason, fault.line)
        except BadRecipe as error:
            return Bad(error.reason, pointer=error.pointer)
        except RecordFault as error:
            return Bad(str(error))

    def _grind(self, asked: Grind) -> Answer:
        cook = self._cook(asked.cooking)
        tables = self._shelf.take(asked.cooking.tables)
        return GroundAnswer(
            [grind(one, asked.cooking, asked.targets, cook, tables) for one in asked.pieces]
        )

    def _cook(self, cooking: Cooking) -> Cook:
        if cooking.recipe == DECLARATIVE:
            return self._rendering.cook(cooking.options)
        recipe = self._catalogue.find(cooking.recipe)
        if recipe is None:
            raise BadRecipe("", self._unknown(cooking.recipe))
        return cooking_by(recipe.make, timed=recipe.make not in BUILT_IN)

    def _check(self, name: str, options: Mapping[str, object]) -> None:
        if name == DECLARATIVE:
            self._rendering.check(options)
            return
        recipe = self._catalogue.find(name)
        if recipe is None:
            raise BadRecipe("", self._unknown(name))
        if recipe.make is csv_completions:
            try:
                columns_of(options)
            except RecordFault as fault:
                raise BadRecipe("/columns", fault.reason) from None

    def _unknown(self, name: str) -> str:
        if name in self._catalogue.faults:
            return f"the recipe {name} {self._catalogue.faults[name]}"
        known = ", ".join(sorted((*self._catalogue.all(), DECLARATIVE)))
        broken = "".join(f"; {one} {why}" for one, why in self._catalogue.faults.items())
        return f"there is no recipe {name!r}; there are {known}{broken}"

    def _list(self) -> Recipes:
        found = [RecipeFact(one.name, one.about) for one in self._catalogue.all().values()]
        found.append(RecipeFact(DECLARATIVE, ABOUT_DECLARATIVE))
        return Recipes(sorted(found, key=lambda one: one.name), dict(self._catalogue.faults))
