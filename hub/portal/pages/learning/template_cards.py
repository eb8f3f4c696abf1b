"""The templates of a subscription as cards of a form: one for each category. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.portal.pages.learning.wording import ALIAS, DEFAULT
from hub.xapi.flaw import point

TEMPLATE = "/LbApiPayloadTemplate"
TYPED = ("key", "action", "label", "process")
MEMBERS = {
    "action": "action",
    "label": "label",
    "importProcessId": "process",
    "batchRowTemplate": "template",
}
NUMBER = re.compile(r"0|[1-9][0-9]{0,14}")
STARTER = '{\n  "Member": "{{email}}"\n}'
MOST_CARDS = 30
"""More than these are for the page that shows the whole as JSON."""


@dataclass(slots=True)
class Card:
    """One entry of the map, as it is typed. `errors` are by field."""

    key: str = ""
    action: str = "import"
    label: str = ""
    process: str = ""
    template: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    place: Mapping[str, int | None] = field(default_factory=dict)
    """Line and column of what is wrong with the template, if they are known."""

    @property
    def imports(self) -> bool:
        """Whether it makes rows."""
        return self.action != "ignore"

    def entry(self) -> dict[str, object]:
        """Write the entry as the API takes it."""
        entry: dict[str, object] = {"action": self.action}
        if self.label:
            entry["label"] = self.label
        if self.process:
            is_number = NUMBER.fullmatch(self.process)
            entry["importProcessId"] = int(self.process) if is_number else self.process
        if self.template.strip():
            entry["batchRowTemplate"] = self.template
        return entry


def cards_of(templates: Mapping[str, Mapping[str, Any]]) -> list[Card]:
    """Read the map of a subscription."""
    return [
        Card(
            key=key,
            action=entry.get("action", "import"),
            label=entry.get("label") or "",
            process=str(entry.get("importProcessId", "")),
            template=entry.get("batchRowTemplate") or "",
        )
        for key, entry in templates.items()
    ]


def read_cards(form: Mapping[str, str]) -> list[Card]:
    """Read what was typed, in the order of the page."""
    numbers = sorted(
        int(number)
        for name in form
        for kind, _, number in [name.partition("-")]
        if kind == "key" and number.isdecimal()
    )
    cards = []
    for number in numbers:
        # Spaces around these were typed by accident; a template is kept to the letter.
        key, action, label, process = (form.get(f"{name}-{number}", "").strip() for name in TYPED)
        template = form.get(f"template-{number}", "")
        cards.append(Card(key, action or "import", label, process, template))
    return cards


def find_flaws(cards: Sequence[Card]) -> bool:
    """Say beside each card what keeps the cards from being a map; False if nothing does."""
    seen: set[str] = set()
    for card in cards:
        name = DEFAULT if card.key == ALIAS else card.key
        if not card.key:
            card.errors["key"] = "name a category, or * for all others"
        elif name in seen:
            card.errors["key"] = "is there twice"
        seen.add(name)
    return any(card.errors for card in cards)


def as_map(cards: Sequence[Card]) -> dict[str, object]:
    """Write the cards as the API takes them."""
    return {card.key: card.entry() for card in cards}


def tried(cards: Sequence[Card], only: int | None = None) -> dict[str, object]:
    """Write the cards as what is to be tried; the flaws of one do not hinder the others."""
    return {
        card.key: {"importProcessId": 0, "batchRowTemplate": card.template}
        if card.imports and card.template.strip() and only in {None, number}
        else {"action": "ignore"}
        for number, card in enumerate(cards)
        if card.key
    }


def note_refusal(
    cards: Sequence[Card], flaws: Mapping[str, str], faults: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Say beside each field what the API says of it; give what belongs to none."""
    places = {fault["pointer"]: fault for fault in faults}
    fields: dict[str, tuple[Card, str]] = {}
    for card in cards:
        for name in {card.key, DEFAULT if card.key == ALIAS else card.key}:
            start = TEMPLATE + point(name)
            fields[start] = card, "key"
            fields |= {f"{start}/{member}": (card, own) for member, own in MEMBERS.items()}
    for pointer, words in flaws.items():
        if pointer not in fields:
            yield f"{pointer.removeprefix(TEMPLATE).lstrip('/')}: {words}".removeprefix(": ")
            continue
        card, own = fields[pointer]
        card.errors[own] = words
        if pointer in places:
            card.place = {"Line": places[pointer]["line"], "Column": places[pointer]["column"]}
