"""The mill: statements of records in a child process, which no record and no recipe can stop."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from hub.pipeline.chunks.milling import Milling, RecipeFault
from hub.pipeline.mill.asking import Cooking, Ground, Piece, TableFile, Target
from hub.records.format import Format, Hints, Kind

LANDED = datetime(2026, 3, 2, 9, tzinfo=UTC)
LINES = Format(Kind.JSON_LINES)
TARGETS = [Target("one", verbs=("completed",)), Target("two", verbs=("passed",))]
ROWS = (
    b"email,course_uri,completed_at\n"
    b"ann@example.org,https://x.example/c,2026-03-02T09:00:00Z\n"
    b"nobody,https://x.example/c,2026-03-02T09:00:00Z\n"
    b"ann@example.org,https://x.example/c,2026-03-02T09:00:00Z\n"
)
RECIPES = '''
"""Recipes that do what they should not."""
import os
from hub.recipes.kit import Skip, activity, agent, statement, verb

def plain(record, context):
    return statement(actor=agent(record.needed("email")), verb=verb("http://x.example/v", "did"),
                     object=activity("http://x.example/o"))

def hostile(record, context):
    print("this must not be read as an answer")
    match record.text("does"):
        case "loops":
            while True:
                pass
        case "swallows":
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    pass
        case "ends":
            os._exit(3)
        case "raises":
            raise RuntimeError("oops")
        case "eats":
            return "x" * 10**10
        case "gives":
            return 7
    return plain(record, context)

def joined(record, context):
    person = context.lookup("people", record.text("number"))
    return Skip("nobody") if person is None else plain(person, context)
'''


@pytest.fixture
async def milling(tmp_path: Path) -> AsyncIterator[Milling]:
    (tmp_path / "ours.py").write_text(RECIPES)
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    milling = Milling(tmp_path, within=timedelta(seconds=3))
    yield milling
    await milling.close()


async def grind(
    milling: Milling, content: bytes, recipe: str, form: Format = LINES, **more: object
) -> Ground:
    cooking = msgspec.convert({"source": "s", "recipe": recipe, **more}, Cooking)
    piece = Piece(content, form, 1, LANDED)
    (ground,) = await milling.grind([piece], cooking, TARGETS)
    return ground


def lines(*records: object) -> bytes:
    return b"\n".join(map(msgspec.json.encode, records))


async def test_rows_become_statements_for_each_target(milling: Milling) -> None:
    form = await milling.look(ROWS, Hints(), whole=True)
    content = ROWS[form.begins :]
    piece = Piece(content, form, form.first_line, LANDED)
    (ground,) = await milling.grind([piece], Cooking("s", "csv-completions"), TARGETS)

    assert (ground.rows, ground.failed, ground.skipped) == (3, 1, 1)
    assert [len(made) for made in ground.made] == [1, 0]
    assert [(one.line, one.field) for one in ground.faults] == [(3, "email")]
    assert ground.skips == {
        'the provider does not take the verb "completed"': 2,
        "it repeats a record before it: its statement is the same": 1,
    }
    (again,) = await milling.grind([piece], Cooking("s", "csv-completions"), TARGETS)
    assert again.made == ground.made
    (elsewhere,) = await milling.grind([piece], Cooking("t", "csv-completions"), TARGETS)
    assert elsewhere.made[0][0].id != ground.made[0][0].id


async def test_a_declarative_recipe(milling: Milling) -> None:
    options = {
        "when": "{{eq status 'done'}}",
        "actor": {"mbox": "mailto:{{email}}", "name": "{{name}}"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/scored"},
        "object": {"id": "{{url}}"},
        "result": {"score": {"raw": "{{{points}}}"}, "success": "{{{gte points 50}}}"},
        "timestamp": "{{at}}",
    }
    done = {"status": "done", "email": "a@x.example", "url": "http://x.example/o", "at": 1772442000}
    content = lines(
        {**done, "points": 70},
        {**done, "status": "open"},
        {**done, "url": ""},
        {**done, "points": "many"},
    )
    ground = await grind(milling, content, "declarative", options=options)

    (made,) = ground.made[0]
    said = msgspec.json.decode(made.body)
    assert said["result"] == {"score": {"raw": 70}, "success": True}
    assert said["actor"] == {"mbox": "mailto:a@x.example"}
    assert said["timestamp"] == "2026-03-02T09:00:00.000Z"
    assert ground.skipped == 1
    assert [(one.line, one.field) for one in ground.faults] == [
        (3, "object"),
        (4, "result.score.raw"),
    ]
    with pytest.raises(RecipeFault, match="opened and not closed") as fault:
        await milling.check("declarative", {**options, "actor": {"mbox": "{{#if x}}"}})
    assert fault.value.pointer == "/actor/mbox"


async def test_a_record_brings_no_json_of_its_own_into_a_declarative_recipe(
    milling: Milling,
) -> None:
    options = {
        "actor": {"mbox": "mailto:{{email}}", "name": "{{n}}"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/scored"},
        "object": {
            "id": "{{url}}",
            "definition": {"extensions": {"http://x.example/p": "{{{p}}}"}},
        },
    }
    good = {"email": "a@x.example", "url": "http://x.example/o", "n": "Ann", "p": "1"}
    deep = "[" * 3000
    content = lines(
        good,
        {**good, "n": "\x01" + deep},
        {**good, "n": '\x01{"name": "Eve"}'},
        {**good, "p": deep},
        {**good, "p": deep + "]" * 3000},
        {**good, "p": "[" * 41 + "]" * 41},
        {**good, "p": "[" * 40 + "]" * 40},
        {**good, "p": "NaN"},
    )
    ground = await grind(milling, content, "declarative", options=options)

    names = [msgspec.json.decode(made.body)["actor"]["name"] for made in ground.made[0]]
    assert names == ["Ann", "\x01" + deep, '\x01{"name": "Eve"}', "Ann"]
    place = "object.definition.extensions.http://x.example/p"
    assert [(one.line, one.field) for one in ground.faults] == [(n, place) for n in (4, 5, 6, 8)]
    told = [one.reason for one in ground.faults]
    assert (
        told[0] == told[1] == told[2] == "renders to JSON that is nested more than 40 levels deep"
    )
    assert not any("ends the process" in one for one in told)


async def test_small_numbers_are_no_times_and_mailboxes_hold_no_control_characters(
    milling: Milling,
) -> None:
    options = {
        "actor": {"mbox": "mailto:{{email}}"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/scored"},
        "object": {"id": "{{course_uri}}"},
        "timestamp": "{{completed_at}}",
    }
    good = {"email": "a@x.example", "course_uri": "http://x.example/o", "completed_at": 1772442000}
    content = lines(
        good,
        {**good, "completed_at": 2026},
        {**good, "completed_at": "45321"},
        {**good, "email": "a\0@x.example"},
    )
    ground = await grind(milling, content, "declarative", options=options)
    assert len(ground.made[0]) == 1
    told = [(one.line, one.field) for one in ground.faults]
    assert told == [(2, "timestamp"), (3, "timestamp"), (4, "actor.mbox")]

    ground = await grind(milling, content, "csv-completions")
    assert len(ground.made[0]) == 1
    told = [(one.line, one.field) for one in ground.faults]
    assert told == [(2, "completed_at"), (3, "completed_at"), (4, "email")]


async def test_a_recipe_can_stop_nothing_but_its_own_records(milling: Milling) -> None:
    person = {"email": "ann@example.org"}
    deeds = ["loops", "swallows", "ends", "raises", "eats", "gives"]
    content = lines(person, *({**person, "does": deed} for deed in deeds), person)
    ground = await grind(milling, content, "hostile")

    # Both good ones say the same, so they are one statement, though made in two halves.
    assert len(ground.made[0]) == 1
    assert (ground.rows, ground.failed, ground.skipped) == (len(deeds) + 2, len(deeds), 1)
    told = " | ".join(one.reason for one in ground.faults)
    assert "takes longer than 1 s" in told
    assert told.count("ends the process") == 2
    assert "RuntimeError: oops" in told
    assert "needs too much memory" in told
    assert "gives int, and not a statement" in told


async def test_a_record_that_ends_the_process_is_told_with_its_line(milling: Milling) -> None:
    person = {"email": "ann@example.org"}
    ends = {**person, "does": "ends"}
    ground = await grind(milling, b"\n\n" + lines(person, ends, person) + b"\r\n\n", "hostile")
    assert [(one.line, one.reason) for one in ground.faults] == [
        (4, "ends the process that reads it")
    ]
    assert (ground.rows, ground.failed) == (3, 1)
    ground = await grind(milling, lines(ends, ends) + b"\n", "hostile")
    assert [one.line for one in ground.faults] == [1, 2]
    assert (ground.rows, ground.failed) == (2, 2)


async def test_a_table_joins_records(milling: Milling, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("number,email\n007,james@example.org\n")
    tables = {"people": TableFile(str(table), Hints(), "number")}
    cooking = Cooking("s", "joined", tables=tables)
    piece = Piece(lines({"number": "007"}, {"number": "008"}), LINES, 1, LANDED)
    (ground,) = await milling.grind([piece], cooking, TARGETS)
    assert b"james@example.org" in ground.made[0][0].body
    assert ground.skips == {"nobody": 1}


async def test_a_table_that_cannot_be_read_is_told_once_and_not_of_each_record(
    milling: Milling, tmp_path: Path
) -> None:
    table = tmp_path / "people.csv"
    table.write_text("nr,email\n007,james@example.org\n")
    cooking = Cooking("s", "joined", tables={"people": TableFile(str(table), Hints(), "number")})
    piece = Piece(lines({"number": "007"}, {"number": "008"}), LINES, 1, LANDED)
    with pytest.raises(RecipeFault, match="the table people has no field 'number'"):
        await milling.grind([piece], cooking, TARGETS)
    # What is not to be tried needs no table.
    untried = msgspec.structs.replace(piece, untried="was not tried")
    (ground,) = await milling.grind([untried], cooking, TARGETS)
    assert (ground.rows, ground.failed) == (2, 2)


async def test_recipes_are_found_and_broken_ones_told(milling: Milling, tmp_path: Path) -> None:
    found = await milling.recipes()
    assert {"plain", "hostile", "joined", "csv-completions"} <= {one.name for one in found.recipes}
    assert "nothing_of_that_name" in found.faults["broken.py"]
    with pytest.raises(RecipeFault, match="there is no recipe 'more'"):
        await milling.check("more", {})
    (tmp_path / "later.py").write_text("def more(record, context):\n    return []\n")
    await milling.check("more", {})
