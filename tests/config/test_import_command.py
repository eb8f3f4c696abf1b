"""`hub import`, `hub files` and `hub sources`, against real processes, near and far."""

import json
import re
from pathlib import Path

import pytest

from tests.config.terminal import WIDTH, Terminal
from tests.faults.stack import PROGRAM, Stack

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
UNDER_WAY = re.compile(
    r"read, [\d,]+ statements \S+ [\d.]+/[\d.]+ MB +[1-9]\d?% [\d.]+ [kM]?B/s \d+:\d\d:\d\d"
)
"""How far it is, how fast, and how long it will take."""
GOOD = "ada{0}@example.org,https://example.org/courses/engines,2026-01-31T12:00:00Z"


async def source_of(stack: Stack, **said: object) -> str:
    made = await stack.client.post(
        f"/api/programs/{PROGRAM}/sources",
        json={"name": "Old LMS", "kind": "csv", "recipe": "csv-completions", **said},
    )
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def written(folder: Path, *rows: str) -> Path:
    path = folder / "january.csv"
    path.write_text("\n".join(["email,course_uri,completed_at", *rows]) + "\n")
    return path


async def test_a_file_is_imported_and_what_failed_is_told(
    stack: Stack, terminal: Terminal, tmp_path: Path
) -> None:
    source = await source_of(stack)
    path = written(tmp_path, *map(GOOD.format, range(500)), "nobody,,")

    code, out, _ = await terminal.hub("import", source, str(path), "--json")
    told = json.loads(out)
    again = json.loads((await terminal.hub("import", source, str(path), "--json"))[1])
    errors = json.loads(
        (await terminal.hub("files", "errors", source, told["fileId"], "--json"))[1]
    )
    listed = json.loads((await terminal.hub("files", "list", source, "--json"))[1])
    sources = json.loads((await terminal.hub("sources", "list", PROGRAM, "--json"))[1])

    assert (code, told["state"], told["rows"], told["failed"]) == (0, "done", 501, 1)
    assert told["new"] == told["statements"] == 500 * len(stack.integrations)
    assert again["fileId"] == told["fileId"]
    assert [(one["line"], one["field"]) for one in errors] == [(502, "completed_at")]
    assert [one["fileId"] for one in listed] == [told["fileId"]]
    assert source in [one["id"] for one in sources]


async def test_a_file_is_read_again_and_its_statements_are_known(
    stack: Stack, terminal: Terminal, tmp_path: Path
) -> None:
    source = await source_of(stack)
    path = written(tmp_path, *map(GOOD.format, range(1000, 1010)))
    made = json.loads((await terminal.hub("import", source, str(path), "--json"))[1])

    asked = await terminal.hub("files", "reprocess", source, made["fileId"], "--json")
    read = json.loads((await terminal.hub("import", source, str(path), "--json"))[1])
    shown = json.loads((await terminal.hub("files", "show", source, made["fileId"], "--json"))[1])

    assert asked[0] == 0
    assert (read["rows"], read["new"], read["statements"]) == (10, 0, made["statements"])
    assert shown["generation"] == 2


async def test_a_file_that_cannot_be_read_fails_the_command(
    stack: Stack, terminal: Terminal, tmp_path: Path
) -> None:
    source = await source_of(stack)
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 50)

    code, out, err = await terminal.hub("import", source, str(path))

    assert (code, "failed" in out) == (1, True)
    assert "picture.csv" in err


async def test_on_a_terminal_a_bar_tells_how_far_it_is_how_fast_and_how_long_it_will_take(
    stack: Stack, terminal: Terminal, tmp_path: Path
) -> None:
    source = await source_of(stack)
    path = written(tmp_path, *map(GOOD.format, range(2000, 32_000)))

    code, out, screen = await terminal.seen("import", source, str(path), "--json")
    lines = [line for line in re.split(r"[\r\n]+", CONTROL.sub("", screen)) if line.strip()]

    assert (code, json.loads(out)["statements"]) == (0, 30_000 * len(stack.integrations))
    assert lines[0].startswith("sent ")
    assert max(map(len, lines)) <= WIDTH
    under_way = [line for line in lines if UNDER_WAY.fullmatch(line.strip())]
    assert under_way, lines
    assert re.search(r"read, 90,000 statements .* 100%", lines[-1]), lines[-1]


async def test_where_nobody_looks_there_is_no_bar(
    stack: Stack, terminal: Terminal, tmp_path: Path
) -> None:
    source = await source_of(stack)
    path = written(tmp_path, *map(GOOD.format, range(1900, 1910)))

    code, out, err = await terminal.hub("import", source, str(path))

    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert "\r" not in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("import", "none", "pyproject.toml"), "no source none"),
        (("import", "none", "not-there.csv"), "not-there.csv"),
        (("files", "list", "none"), "no source none"),
        (("files", "show", "none", "none"), "no source none"),
        (("sources", "list", "NONE"), "NONE"),
    ],
)
async def test_what_is_not_there_is_told_in_words(
    terminal: Terminal, words: tuple[str, ...], told: str
) -> None:
    (terminal.folder / "pyproject.toml").write_text("a\n")
    code, _, err = await terminal.hub(*words)

    assert code in {1, 2}
    assert told in err
    assert "Traceback" not in err
