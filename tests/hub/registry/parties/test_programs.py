"""Programs: made once, listed by id, changed without showing the key they hold."""

import asyncio

import pytest

from hub.errors import BadCursor, BadProgramId, ProgramExists, UnknownProgram
from hub.registry.parties.programs import ProgramChanges, Programs
from hub.registry.sql.database import Database
from hub.registry.sql.tables import ProgramRow
from tests.hub.registry.moved_clock import MovedClock

ELSEWHERE = "https://lb.example.com"


async def test_what_was_created_is_found(programs: Programs, clock: MovedClock) -> None:
    created = await programs.create("A.c_M9", "Acme", lb_api_url=ELSEWHERE, by="test")

    assert await programs.find("A.c_M9") == created
    assert (created.id, created.name, created.lb_api_url) == ("A.c_M9", "Acme", ELSEWHERE)
    assert created.created_at == clock.now
    assert not created.has_lb_api_key


async def test_nothing_is_found_under_an_unknown_id(programs: Programs) -> None:
    assert await programs.find("NONE") is None
    assert await programs.lb_api_key("NONE") is None


@pytest.mark.parametrize(
    "program_id",
    ["", "a" * 26, "a b", "a-b", "ä", "a/b", "a\n", "a\0"],
    ids=["empty", "long", "space", "dash", "umlaut", "slash", "newline", "nul"],
)
async def test_an_id_of_other_characters_is_refused(programs: Programs, program_id: str) -> None:
    with pytest.raises(BadProgramId, match="is not 1 to 25 of"):
        await programs.create(program_id, "Acme", by="test")


async def test_an_id_is_given_once(programs: Programs) -> None:
    outcomes = await asyncio.gather(
        *(programs.create("ACME", f"Acme {n}", by="test") for n in range(4)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, ProgramExists) for outcome in outcomes) == 3


async def test_the_key_for_learningbuilder_is_kept_sealed(
    programs: Programs, database: Database
) -> None:
    created = await programs.create("ACME", "Acme", lb_api_key="lb-secret", by="test")

    async with database.read() as session:
        row = await session.get_one(ProgramRow, "ACME")
    assert created.has_lb_api_key
    assert "lb-secret" not in str(row.lb_api_key)
    assert await programs.lb_api_key("ACME") == "lb-secret"


async def test_only_what_is_given_changes(programs: Programs) -> None:
    await programs.create("ACME", "Acme", lb_api_url=ELSEWHERE, lb_api_key="first", by="test")

    renamed = await programs.change("ACME", ProgramChanges(name="Acme Inc."), by="test")
    rekeyed = await programs.change("ACME", ProgramChanges(lb_api_key="second"), by="test")
    blanked = await programs.change("ACME", {"lb_api_key": "  ", "lb_api_url": None}, by="test")

    assert (renamed.name, renamed.lb_api_url) == ("Acme Inc.", ELSEWHERE)
    assert rekeyed == renamed
    assert blanked.lb_api_url is None
    assert await programs.find("ACME") == blanked
    assert await programs.lb_api_key("ACME") == "second"


async def test_an_unknown_program_cannot_be_changed(programs: Programs) -> None:
    with pytest.raises(UnknownProgram, match="no program NONE"):
        await programs.change("NONE", ProgramChanges(name="B"), by="test")


async def test_programs_are_listed_by_id_in_pages(programs: Programs) -> None:
    for program_id in ("C", "A", "D", "B"):
        await programs.create(program_id, program_id, by="test")

    first = await programs.list(limit=2)
    await programs.create("AA", "between", by="test")
    second = await programs.list(limit=2, cursor=first.next)

    assert [program.id for program in first.items] == ["A", "B"]
    assert [program.id for program in second.items] == ["C", "D"]
    assert second.next is None


async def test_a_caller_sees_only_the_programs_it_may_read(programs: Programs) -> None:
    for program_id in ("A", "B", "C"):
        await programs.create(program_id, program_id, by="test")

    some = await programs.list(only={"A", "C", "NONE"})
    none = await programs.list(only=frozenset())

    assert [program.id for program in some.items] == ["A", "C"]
    assert none.items == ()


@pytest.mark.parametrize(
    "cursor", ["", "!", "AAAA", "WzFd", "W10", "bnVsbA", "WyJhIiwiYiJd", "é", "W" * 5000]
)
async def test_a_made_up_cursor_is_refused(programs: Programs, cursor: str) -> None:
    with pytest.raises(BadCursor):
        await programs.list(cursor=cursor)
