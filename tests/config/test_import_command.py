"""`hub import`, `hub files` and `hub sources`, against real processes, near and far."""

import json
from pathlib import Path

import pytest

from tests.config.terminal import Terminal
from tests.faults.stack import PROGRAM, Stack

pytestmark = pytest.mark.asyncio(loop_scope="module")
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
