"""What the documents say of commands, settings and files is so."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.cli import build
from config.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(ROOT.glob("*.md")) + sorted((ROOT / "benchmarks").glob("*.md"))


def test_operations_names_every_setting_and_no_other() -> None:
    text = (ROOT / "OPERATIONS.md").read_text()
    table = text.split("## Settings")[1].split("##")[0]

    named = set(re.findall(r"`(HUB_[A-Z0-9_]+)`", table)) - {"HUB_ENV_FILE"}

    assert named == {field.alias for field in Settings.model_fields.values()}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", path.read_text())

    assert [t for t in targets if not (path.parent / t).exists()] == []


def test_every_command_that_is_named_exists() -> None:
    texts = "".join((ROOT / name).read_text() for name in ("README.md", "OPERATIONS.md"))
    spans = re.findall(r"`hub ([^`]+)`", texts) + re.findall(r"^ {4}hub (.+)$", texts, re.MULTILINE)
    named = {tuple(re.findall(r"^[a-z]+(?: [a-z]+)?", span)[0].split()) for span in spans}

    unknown = [words for words in sorted(named) if not _helps(words)]

    assert named
    assert unknown == []


def _helps(words: tuple[str, ...]) -> bool:
    return CliRunner().invoke(build(words), [*words, "--help"]).exit_code == 0


def test_the_map_shows_every_room_of_delivery() -> None:
    shown = (ROOT / "ARCHITECTURE.md").read_text().split("## The map")[1].split("## ")[0]
    rooms = {path.stem for path in (ROOT / "delivery").rglob("*.py")} - {"__init__"}

    assert sorted(room for room in rooms if not re.search(rf"\b{room}\b", shown)) == []
