"""What it was about, when it was an activity (xAPI 1.0.3 Part Two, 2.4.4.1)."""

from collections import Counter
from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from hub.xapi.words import Extensions, Iri, LanguageMap, Part

COMPONENTS = {
    "choices": ("choice", "sequencing"),
    "scale": ("likert",),
    "source": ("matching",),
    "target": ("matching",),
    "steps": ("performance",),
}


class Component(Part):
    """One choice, step, source, target or point of a scale in an interaction."""

    id: str
    description: LanguageMap | None = None


class Definition(Part):
    """What an activity is, for people and for reports."""

    name: LanguageMap | None = None
    description: LanguageMap | None = None
    type: Iri | None = None
    more_info: Iri | None = None
    interaction_type: (
        Literal[
            "true-false", "choice", "fill-in", "long-fill-in", "matching",
            "performance", "sequencing", "likert", "numeric", "other",
        ]
        | None
    ) = None  # fmt: skip
    correct_responses_pattern: list[str] | None = None
    choices: list[Component] | None = None
    scale: list[Component] | None = None
    source: list[Component] | None = None
    target: list[Component] | None = None
    steps: list[Component] | None = None
    extensions: Extensions | None = None

    @model_validator(mode="after")
    def fits_its_interaction(self) -> Self:
        if self.interaction_type is None and "correct_responses_pattern" in self.model_fields_set:
            raise PydanticCustomError("interaction", "must have an interactionType")
        for name in self.model_fields_set & COMPONENTS.keys():
            self._check_components(name)
        return self

    def _check_components(self, name: str) -> None:
        if self.interaction_type not in COMPONENTS[name]:
            raise PydanticCustomError(
                "interaction",
                "{name} needs the interactionType {types}",
                {"name": name, "types": " or ".join(COMPONENTS[name])},
            )
        counts = Counter(component.id for component in getattr(self, name))
        if repeated := [id_ for id_, count in counts.items() if count > 1]:
            raise PydanticCustomError(
                "interaction",
                "the id {id} stands twice in {name}",
                {"id": repeated[0], "name": name},
            )


class Activity(Part):
    """Something a person can do or take, like a course."""

    object_type: Literal["Activity"] = "Activity"
    id: Iri
    definition: Definition | None = None
