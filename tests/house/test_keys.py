"""Every key in Redis is documented where keys are made."""

import re
from pathlib import Path

from delivery.facts.integration import IntegrationId
from delivery.stores import keys

ROOT = Path(__file__).parents[2]


def test_every_key_of_an_integration_stands_in_the_table() -> None:
    made = keys.Keys(IntegrationId("id"))
    names = [n for n, v in vars(keys.Keys).items() if isinstance(v, property)]

    missing = [n for n in names if f"`{getattr(made, n).rstrip(':')}" not in (keys.__doc__ or "")]

    assert names
    assert missing == []


def test_every_key_of_all_integrations_stands_in_the_table() -> None:
    shared = [v for n, v in vars(keys).items() if n.isupper() and isinstance(v, str)]

    assert shared
    assert [key for key in shared if f"`{key}`" not in (keys.__doc__ or "")] == []


def test_no_module_but_keys_spells_a_key() -> None:
    spelled = [
        path.name
        for path in (ROOT / "delivery").rglob("*.py")
        if path.stem != "keys"
        and re.search(r'^[^#|]*f?"hub:', _without_docstring(path.read_text()), re.MULTILINE)
    ]

    assert spelled == []


def _without_docstring(text: str) -> str:
    return text.split('"""', 2)[-1]
