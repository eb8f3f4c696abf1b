"""The words of the house: what GLOSSARY.md does not want as a name is not a name here."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "delivery", "hub")
BANNED = frozenset(
    {
        *("job", "task", "payload", "data", "item", "info", "manager", "handler", "processor"),
        *("helper", "util", "utils", "common", "base", "core", "misc"),
    }
)
BANNED_IN_CLASSES = BANNED | {"service", "message"}

# Names that others gave: their interfaces must be spelled as they are.
FOREIGN = {
    "items": "the field of a page in the HTTP contract",
    "data_dir": "HUB_DATA_DIR of the contract",
    "handle_DATA": "aiosmtpd's hook",
    "get_route_handler": "FastAPI's hook",
}


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _modules() -> list[Path]:
    return [
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "versions" not in path.parts
    ]


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()))


def _public_names(tree: ast.Module) -> Iterator[tuple[str, frozenset[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, BANNED_IN_CLASSES
        elif isinstance(node, FUNCTIONS) and not node.name.startswith("_"):
            yield node.name, BANNED


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_public_names_keep_to_the_glossary(path: Path) -> None:
    tree = ast.parse(path.read_text())

    strays = [
        name
        for name, banned in _public_names(tree)
        if _words(name) & banned and name not in FOREIGN
    ]

    assert strays == []
    assert not _words(path.stem) & BANNED_IN_CLASSES or path.stem in FOREIGN


def test_every_banned_word_is_in_the_glossary() -> None:
    glossary = (ROOT / "GLOSSARY.md").read_text()

    assert [word for word in sorted(BANNED_IN_CLASSES - {"utils"}) if word not in glossary] == []
