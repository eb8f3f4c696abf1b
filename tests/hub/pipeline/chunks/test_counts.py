"""Counts add up: each record is made into something, skipped or failed; exactly one of these."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from hub.pipeline.chunks.milling import Milling
from hub.pipeline.mill.asking import Cooking, Ground, Piece, Target
from hub.records.format import Format, Hints, Kind

LANDED = datetime(2026, 3, 2, 9, tzinfo=UTC)
LINES = Format(Kind.JSON_LINES)
ONE, TWO = Target("one", verbs=("completed",)), Target("two", verbs=("passed",))
RECIPES = '''
import os
from hub.recipes.kit import Completion, RecordFault, Skip, activity, agent, statement, verb

def named(record, context):
    """Says itself which ids its statements have."""
    does = record.text("does")
    match does:
        case "nothing":
            return []
        case "skips":
            return Skip(eval(record.text("why")))
        case "fails":
            raise RecordFault(eval(record.text("why")), eval(record.text("why")))
        case "ends":
            os._exit(3)
        case "completion":
            return Completion.model_validate(record.get("completion"))
    said = statement(actor=agent("ann@example.org"), verb=verb("http://x.example/v", "v"),
                     object=activity("http://x.example/" + record.needed("says")))
    return [{"id": one, **said} for one in record.get("ids")]
'''
A, B, C = (f"00000000-0000-4000-8000-00000000000{number}" for number in "abc")


@pytest.fixture
async def milling(tmp_path: Path) -> AsyncIterator[Milling]:
    (tmp_path / "ours.py").write_text(RECIPES)
    milling = Milling(tmp_path, within=timedelta(seconds=5))
    yield milling
    await milling.close()


async def grind(
    milling: Milling, *lines: object, recipe: str = "named", targets: tuple[Target, ...] = (ONE,)
) -> Ground:
    content = b"\n".join(
        one if isinstance(one, bytes) else msgspec.json.encode(one) for one in lines
    )
    piece = Piece(content, LINES, 1, LANDED)
    (ground,) = await milling.grind([piece], Cooking("s", recipe), targets)
    return ground


def add_up(ground: Ground) -> bool:
    """Say whether each record was counted once."""
    fruitful = {one.record for made in ground.made for one in made}
    return ground.rows == len(fruitful) + ground.skipped + ground.failed


def says(what: str, *ids: str) -> dict[str, object]:
    return {"says": what, "ids": list(ids)}


async def test_a_record_that_says_the_same_once_more_is_skipped(milling: Milling) -> None:
    ground = await grind(milling, says("x", A), says("y", B), says("x", A), says("x", A))

    assert (ground.rows, ground.skipped, ground.failed) == (4, 2, 0)
    assert [one.id for one in ground.made[0]] == [A, B]
    assert ground.skips == {"it repeats a record before it: its statement is the same": 2}


async def test_a_record_that_contradicts_one_before_it_fails(milling: Milling) -> None:
    ground = await grind(milling, says("x", A), says("y", A, B), says("y", B))

    assert (ground.rows, ground.skipped, ground.failed) == (3, 0, 1)
    assert [(one.id, one.line) for one in ground.made[0]] == [(A, 1), (B, 3)]
    (fault,) = ground.faults
    assert (fault.line, fault.field) == (2, "id")
    assert fault.reason == f"the statement {A} is made of line 1 too, with other content"


async def test_a_record_that_contradicts_itself_fails(milling: Milling) -> None:
    twice = {"does": "completion", "completion": {}}
    ground = await grind(milling, says("x", A, A), says("y", C), twice)

    assert (ground.rows, ground.skipped, ground.failed) == (3, 0, 1)
    assert [one.id for one in ground.made[0]] == [A, C]


async def test_repeats_are_found_also_where_a_record_ended_the_process(milling: Milling) -> None:
    ground = await grind(
        milling,
        says("x", A),
        b"{broken",
        {"does": "ends"},
        says("x", A),
        says("z", A),
        says("y", B),
        {"does": "ends"},
    )

    assert (ground.rows, ground.skipped, ground.failed) == (7, 1, 4)
    assert [one.id for one in ground.made[0]] == [A, B]
    assert [one.line for one in ground.faults] == [2, 3, 5, 7]
    assert add_up(ground)


async def test_a_record_of_which_nothing_is_made_is_skipped(milling: Milling) -> None:
    ground = await grind(milling, {"does": "nothing"}, says("x"))

    assert (ground.rows, ground.skipped, ground.failed) == (2, 2, 0)
    assert ground.skips == {"the recipe makes nothing of it": 2}


async def test_a_record_is_skipped_once_however_many_do_not_want_it(milling: Milling) -> None:
    learner = {"email": "ann@example.org"}
    completion = {"learner": learner, "course": {"uri": "http://x.example/c"}}
    told = {"does": "completion", "completion": {**completion, "completedAt": "2026-03-02T09:00Z"}}
    passed = {**told, "completion": {**told["completion"], "verb": "passed"}}  # type: ignore[dict-item]  # a mapping, above
    failed = {**told, "completion": {**told["completion"], "verb": "failed"}}  # type: ignore[dict-item]  # the same
    ground = await grind(milling, told, passed, failed, targets=(ONE, TWO, TWO))

    assert [len(made) for made in ground.made] == [1, 1, 1]
    assert (ground.rows, ground.skipped, ground.failed) == (3, 1, 0)
    assert ground.skips == {
        'the provider does not take the verb "completed"': 1,
        'the provider does not take the verb "passed"': 1,
        'the provider does not take the verb "failed"': 1,
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (7, "7"),
        (None, "None"),
        (["a"], "['a']"),
        ("a\0b\ud800\nc", "a b  c"),
        ("x" * 9999, "x" * 500),
    ],
    ids=["number", "nothing", "list", "unsound", "long"],
)
async def test_whatever_a_recipe_says_can_be_told(
    milling: Milling, given: object, told: str
) -> None:
    why = repr(given)
    ground = await grind(milling, {"does": "skips", "why": why}, {"does": "fails", "why": why})

    assert (ground.rows, ground.skipped, ground.failed) == (2, 1, 1)
    assert ground.skips == {told: 1}
    assert (ground.faults[0].field, ground.faults[0].reason) == (told[:200], told)


@pytest.mark.parametrize("seed", range(10))
async def test_counts_add_up_over_odd_files(milling: Milling, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  no secret, but odd files
    kinds: list[object] = [
        *(says(what, *ids) for what in "xy" for ids in ((A,), (B, C), (A, A), ())),
        {"does": "nothing"},
        {"does": "skips", "why": "7"},
        {"does": "fails", "why": "7"},
        {"does": "completion"},
        {"ids": ["no uuid"], "says": "x"},
        b"{broken",
        b"7",
        b'{"a": "\\ud800"}',
    ]
    if seed == 0:
        kinds.append({"does": "ends"})
    lines = dice.choices(kinds, k=dice.randrange(1, 30))
    ground = await grind(milling, *lines, targets=(ONE, TWO))

    assert ground.rows == len(lines)
    assert add_up(ground)
    assert len(ground.faults) == ground.failed


async def test_counts_add_up_over_odd_rows(milling: Milling) -> None:
    good = "ann@example.org,http://x.example/c,2026-03-02T09:00:00Z"
    text = f'email,course_uri,completed_at\n{good}\n\n{good}\na,b\n"x"y,z,\n,,\nbob,x,y\n{good},4\n'
    content = text.encode() + b"\xff@x.example,x,y\n"
    form = await milling.look(content, Hints(encoding="utf-8"), whole=True)
    piece = Piece(content[form.begins :], form, form.first_line, LANDED)
    (ground,) = await milling.grind([piece], Cooking("s", "csv-completions"), [ONE, TWO])

    assert ground.rows == 2 + 5
    assert add_up(ground)
