"""Landed files and the work they are: claims, fences, counts; on SQLite and PostgreSQL."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from hub.errors import RepeatedSignature, UnknownFile
from hub.registry.parties.programs import Programs
from hub.registry.pipeline.chunks import CLAIM, ChunkDone, ChunkToDo
from hub.registry.pipeline.file_records import FileState, NewFile, RecordFault, SourceFile
from hub.registry.pipeline.file_work import CUT_CLAIM, CutStep, FileToCut, FileWork, NewChunk
from hub.registry.pipeline.kept_faults import MOST_FAULTS
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.pipeline.sources import SourceKind, Sources
from hub.registry.sql.database import Database
from hub.registry.sql.tables import FileChunkRow
from hub.registry.trust.vault import Vault
from tests.hub.registry.moved_clock import MovedClock

SAID = {"name": "Files", "status": "active", "recipe": "csv-completions"}


class Scene:
    """A source of ACME, and its files."""

    def __init__(
        self, database: Database, vault: Vault, programs: Programs, clock: MovedClock
    ) -> None:
        self.database = database
        self.programs = programs
        self.clock = clock
        self.sources = Sources(database, vault, clock)
        self.files = SourceFiles(database, clock)
        self.work = FileWork(database, clock)
        self.id = ""

    async def start(self) -> None:
        await self.programs.create("ACME", "Acme", by="test")
        self.id = await self.source()

    async def source(self) -> str:
        made = await self.sources.create("ACME", SourceKind.CSV, SAID, {}, by="test")
        return made.id

    def new(self, sha256: str = "a", **said: object) -> NewFile:
        found = NewFile(
            source_id=self.id,
            sha256=sha256,
            name="rows.csv",
            size=100,
            place=f"files/{sha256}",
            landed_at=self.clock(),
            keep_for=timedelta(days=1),
        )
        return replace(found, **said)  # type: ignore[arg-type]  # fields by name

    async def landed(self, sha256: str = "a", **said: object) -> SourceFile:
        file, _ = await self.files.add(self.new(sha256, **said))
        return file

    async def cut(self, chunks: int = 3) -> SourceFile:
        """Land a file, and cut it up at once."""
        file = await self.landed()
        claimed = await self.work.claim_cut()
        assert claimed is not None
        await self.work.record_cut(claimed, whole(chunks))
        return file

    async def claim(self, most: int = 10) -> Sequence[ChunkToDo]:
        return (await self.work.claim_chunks(most=most, most_bytes=10_000)).chunks

    async def shown(self, file: SourceFile) -> SourceFile:
        found = await self.files.find(self.id, file.id)
        assert found is not None
        return found


@pytest.fixture
async def scene(database: Database, vault: Vault, programs: Programs, clock: MovedClock) -> Scene:
    scene = Scene(database, vault, programs, clock)
    await scene.start()
    return scene


def whole(chunks: int, **said: object) -> CutStep:
    parts = [NewChunk(n * 10, 10, n + 1) for n in range(chunks)]
    step = CutStep("{}", False, parts, 100, chunks + 1, is_last=True)
    return replace(step, **said)  # type: ignore[arg-type]  # fields by name


def done(chunk: ChunkToDo, **said: object) -> ChunkDone:
    found = ChunkDone(chunk, rows=5, statements=4, added=3, skipped=0, failed=1)
    return replace(found, **said)  # type: ignore[arg-type]  # fields by name


def _faults(start: int, count: int) -> Sequence[RecordFault]:
    return [RecordFault(start + n, "email", "is missing") for n in range(count)]


async def test_the_same_bytes_are_the_same_file_of_one_source(scene: Scene) -> None:
    first, is_new = await scene.files.add(scene.new())
    again, is_new_again = await scene.files.add(scene.new())
    other = await scene.source()
    elsewhere, is_new_there = await scene.files.add(scene.new(source_id=other))

    assert (is_new, is_new_again, is_new_there) == (True, False, True)
    assert first.id == again.id != elsewhere.id


async def test_a_signature_is_good_once(scene: Scene) -> None:
    await scene.landed(proof="p")

    with pytest.raises(RepeatedSignature):
        await scene.files.known(scene.id, sha256="b", proof="p")
    assert await scene.files.known(scene.id, sha256="b", proof="q") is None


async def test_a_file_of_no_source_does_not_land(scene: Scene) -> None:
    with pytest.raises(UnknownFile):
        await scene.files.add(scene.new(source_id="nothing"))


async def test_a_file_is_cut_by_one_and_taken_over_when_its_time_is_over(scene: Scene) -> None:
    file = await scene.landed()
    first = await scene.work.claim_cut()
    assert first is not None
    assert await scene.work.claim_cut() is None

    scene.clock.move(CUT_CLAIM.total_seconds() + 1)
    second = await scene.work.claim_cut()
    assert isinstance(second, FileToCut)
    late = await scene.work.record_cut(first, whole(1))
    state = await scene.work.record_cut(second, whole(2))

    assert (late, state) == (None, FileState.RUNNING)
    assert len(await scene.claim()) == 2
    assert (await scene.shown(file)).cut_through == 100


async def test_a_file_is_read_as_far_as_its_chunks_are_settled(scene: Scene) -> None:
    file = await scene.cut(chunks=3)
    (first, *_) = await scene.claim(most=1)
    before = await scene.shown(file)

    await scene.work.settle([done(first)])
    shown = await scene.shown(file)
    listed = await scene.files.list(scene.id)
    again, known = await scene.landed(), await scene.files.known(scene.id, sha256="a")
    await scene.work.settle([done(one) for one in await scene.claim()])

    assert (before.cut_through, before.read_through) == (100, 70)
    assert (shown.cut_through, shown.read_through) == (100, 80)
    assert listed.items == (shown,)
    assert again == known == shown
    assert (await scene.shown(file)).read_through == 100


async def test_who_is_late_settles_no_chunk_that_has_the_same_number_now(scene: Scene) -> None:
    await scene.landed("a", form="{}")
    (late,) = await scene.claim()
    scene.clock.move(CLAIM.total_seconds() + 1)
    (quick,) = await scene.claim()
    await scene.work.settle([done(quick)])
    other = await scene.landed("b", form="{}")
    # On SQLite, the number of what is gone is given to the next.
    (now,) = await scene.claim()

    assert await scene.work.settle([done(late), done(quick)]) == []
    assert await scene.work.settle([done(now)]) == [(other.id, FileState.DONE)]


async def test_a_file_without_records_ends_when_it_is_cut(scene: Scene) -> None:
    await scene.landed()
    claimed = await scene.work.claim_cut()
    assert claimed is not None

    assert await scene.work.record_cut(claimed, whole(0)) is FileState.DONE


async def test_a_file_that_is_cut_step_by_step_goes_on_where_it_was(scene: Scene) -> None:
    await scene.landed()
    first = await scene.work.claim_cut()
    assert first is not None
    await scene.work.record_cut(first, whole(1, through=40, is_last=False))

    second = await scene.work.claim_cut()

    assert second is not None
    assert (second.through, second.next_line, second.form) == (40, 2, "{}")


async def test_counts_are_of_each_chunk_once(scene: Scene) -> None:
    file = await scene.cut(2)
    one, other = await scene.claim()

    assert await scene.work.settle([done(one)]) == []
    assert await scene.work.settle([done(one)]) == []
    ended = await scene.work.settle([done(other, skips={"blank": 2}, skipped=2)])

    shown = await scene.shown(file)
    assert list(ended) == [(file.id, FileState.DONE)]
    assert (shown.rows, shown.statements, shown.added, shown.failed) == (10, 8, 6, 2)
    assert (shown.skipped, shown.skips) == (2, {"blank": 2})
    assert shown.state is FileState.DONE
    assert shown.ended_at == scene.clock()


async def test_whoever_was_too_slow_settles_nothing(scene: Scene) -> None:
    file = await scene.cut(1)
    (slow,) = await scene.claim()
    assert not await scene.claim()
    scene.clock.move(CLAIM.total_seconds() + 1)
    (quick,) = await scene.claim()

    assert await scene.work.settle([done(slow)]) == []
    assert (await scene.shown(file)).rows == 0
    assert list(await scene.work.settle([done(quick)])) == [(file.id, FileState.DONE)]
    assert (await scene.shown(file)).rows == 5


async def test_what_is_kept_is_not_taken_over(scene: Scene) -> None:
    await scene.cut(1)
    claimed = await scene.claim()
    scene.clock.move(CLAIM.total_seconds() - 1)
    await scene.work.keep(claimed)
    scene.clock.move(CLAIM.total_seconds() - 1)

    assert not await scene.claim()


async def test_two_that_settle_the_last_chunks_end_the_file_once(scene: Scene) -> None:
    file = await scene.cut(2)
    one, other = await scene.claim()

    ended = [
        *await scene.work.settle([done(one)]),
        *await scene.work.settle([done(other)]),
        *await scene.work.settle([done(one), done(other)]),
    ]

    assert ended == [(file.id, FileState.DONE)]


async def test_chunks_of_one_source_are_taken_together(scene: Scene) -> None:
    await scene.cut(2)
    first = scene.id
    scene.id = await scene.source()
    await scene.cut(2)

    taken = await scene.claim()
    rest = await scene.claim()

    assert sorted([taken[0].source_id, rest[0].source_id]) == sorted([first, scene.id])
    assert [one.source_id for one in taken] == [taken[0].source_id] * 2
    assert [one.source_id for one in rest] == [rest[0].source_id] * 2


async def test_sources_take_turns_however_much_one_has(scene: Scene) -> None:
    for _ in range(3):
        await scene.cut(4)
        scene.id = await scene.source()
    little = [scene.id, await scene.source()]
    scene.clock.move(60)
    for scene.id in little:
        await scene.cut(1)

    taken = [(await scene.claim(most=1))[0].source_id for _ in range(14)]

    # Each has its turn before one of them has its second, though three came much earlier.
    assert len(set(taken[:5])) == 5
    assert set(little) <= set(taken[:5])
    assert all(len(set(taken[at : at + 3])) == 3 for at in (5, 8, 11))


async def test_files_of_sources_are_cut_in_turns(scene: Scene) -> None:
    first = scene.id
    for sha256 in "abc":
        await scene.landed(sha256)
    scene.clock.move(60)
    scene.id = await scene.source()
    await scene.landed("d")

    cut = [await scene.work.claim_cut() for _ in range(5)]

    assert {one.source_id for one in cut[:2] if one} == {first, scene.id}
    assert [one and one.source_id for one in cut[2:]] == [first, first, None]


async def test_several_at_once_are_given_different_sources(scene: Scene) -> None:
    for _ in range(4):
        await scene.cut(3)
        scene.id = await scene.source()

    taken = await asyncio.gather(*(scene.claim(most=3) for _ in range(4)))

    assert len({one[0].source_id for one in taken}) == 4


async def test_where_another_took_all_the_next_source_is_taken(scene: Scene) -> None:
    await scene.cut(1)
    scene.id = await scene.source()
    await scene.cut(1)
    other = FileWork(scene.database, scene.clock)

    both = await asyncio.gather(
        scene.claim(), other.claim_chunks(most=10, most_bytes=10_000), scene.claim()
    )
    taken = [*both[0], *both[1].chunks, *both[2]]

    assert len(taken) == len({one.source_id for one in taken}) == 2


async def test_chunks_of_the_version_before_are_taken_too(scene: Scene) -> None:
    await scene.cut(2)
    async with scene.database.write() as session:
        await session.execute(update(FileChunkRow).values(source_id=""))

    taken = await scene.claim()
    await scene.work.settle([done(one) for one in taken])

    assert [one.source_id for one in taken] == [scene.id] * 2
    assert not await scene.claim()


async def test_not_more_bytes_are_taken_than_may_be(scene: Scene) -> None:
    await scene.cut(5)

    taken = [
        await scene.work.claim_chunks(most=10, most_bytes=25),
        await scene.work.claim_chunks(most=1, most_bytes=100),
        await scene.work.claim_chunks(most=10, most_bytes=100),
    ]

    assert [len(one.chunks) for one in taken] == [2, 1, 2]
    assert [one.are_more for one in taken] == [True, True, False]
    assert await scene.work.claim_chunks(most=10, most_bytes=1) == ((), False)


async def test_what_is_postponed_says_why_and_comes_back(scene: Scene) -> None:
    file = await scene.cut(1)
    claimed = await scene.claim()
    until = scene.clock() + timedelta(seconds=30)
    await scene.work.postpone(claimed, until=until, waits_for="the queue is full")

    assert (await scene.shown(file)).waits_for == "the queue is full"
    assert not await scene.claim()
    scene.clock.move(31)
    (again,) = await scene.claim()
    await scene.work.settle([done(again)])
    assert (await scene.shown(file)).waits_for is None


async def test_the_first_thousand_faults_are_kept_and_all_are_counted(scene: Scene) -> None:
    file = await scene.cut(3)
    faults = [RecordFault(n, "email", "is missing") for n in range(600)]
    for chunk in await scene.claim():
        await scene.work.settle([done(chunk, faults=faults, failed=600)])

    kept = 0
    cursor = None
    while True:
        page = await scene.files.faults(file.id, cursor=cursor, limit=400)
        kept += len(page.items)
        cursor = page.next
        if cursor is None:
            break
    assert kept == MOST_FAULTS
    assert (await scene.shown(file)).failed == 1800


async def test_of_many_faults_the_first_by_line_are_kept_whichever_chunk_ends_first(
    scene: Scene,
) -> None:
    file = await scene.cut(50)
    claimed = await scene.claim(most=50)
    lots = [claimed[25:], claimed[:25]]

    for lot in lots:
        await scene.work.settle(
            [done(one, faults=_faults(one.line * 1000, 1000), failed=1000) for one in lot]
        )

    page = await scene.files.faults(file.id, limit=1000)
    assert [one.line for one in page.items] == list(range(1000, 1000 + MOST_FAULTS))
    assert page.next is None
    assert (await scene.shown(file)).failed == 50_000


async def test_faults_of_several_files_are_kept_with_each(scene: Scene) -> None:
    files = [await scene.landed(sha256, form="{}") for sha256 in "abc"]
    claimed = await scene.claim()
    await scene.work.settle([done(one, faults=_faults(at, 2)) for at, one in enumerate(claimed)])

    for at, chunk in enumerate(claimed):
        page = await scene.files.faults(chunk.file_id)
        assert [one.line for one in page.items] == [at, at + 1]
    assert {one.file_id for one in claimed} == {one.id for one in files}


async def test_of_a_source_that_is_gone_nothing_is_cut_or_made(scene: Scene) -> None:
    file = await scene.cut(3)
    await scene.landed("b")
    cutting = await scene.work.claim_cut()
    assert cutting is not None
    await scene.landed("c")
    await scene.sources.delete(scene.id, by="test")

    assert await scene.work.claim_cut() is None
    assert await scene.work.record_cut(cutting, whole(3)) is None
    (chunk, *_) = await scene.claim(most=1)
    assert await scene.work.forget(scene.id) == 3
    await scene.work.settle([done(chunk)])
    assert (await scene.shown(file)).rows == 0
    scene.clock.move(CLAIM.total_seconds() + 1)
    assert not await scene.claim()
    assert (await scene.files.waiting()).files == 0


async def test_what_is_read_again_begins_anew_and_old_claims_are_void(scene: Scene) -> None:
    file = await scene.cut(2)
    old = await scene.claim()
    again = await scene.files.reprocess(scene.id, file.id)
    assert (again.generation, again.rows, again.state) == (2, 0, FileState.LANDED)

    assert await scene.work.settle([done(one) for one in old]) == []
    claimed = await scene.work.claim_cut()
    assert claimed is not None
    await scene.work.record_cut(claimed, whole(1))
    (chunk,) = await scene.claim()
    await scene.work.settle([done(chunk, added=0)])

    shown = await scene.shown(file)
    assert (shown.rows, shown.added, shown.state) == (5, 0, FileState.DONE)


async def test_a_file_with_trouble_ends_as_failed(scene: Scene) -> None:
    file = await scene.landed()
    claimed = await scene.work.claim_cut()
    assert claimed is not None
    await scene.work.record_cut(claimed, whole(1, trouble="line 9: too long"))
    (chunk,) = await scene.claim()

    assert list(await scene.work.settle([done(chunk)])) == [(file.id, FileState.FAILED)]
    assert (await scene.shown(file)).trouble == "line 9: too long"


async def test_what_waits_is_counted(scene: Scene) -> None:
    assert await scene.files.waiting() == await scene.files.waiting()
    begun = scene.clock()
    await scene.cut(1)
    scene.clock.move(60)
    await scene.landed("b")
    waiting = await scene.files.waiting()
    assert (waiting.files, waiting.oldest_since) == (2, begun)

    for chunk in await scene.claim():
        await scene.work.settle([done(chunk)])
    assert (await scene.files.waiting()).files == 1


async def test_bytes_are_kept_as_long_as_they_are_to_be_and_while_they_are_read(
    scene: Scene,
) -> None:
    file = await scene.cut(1)
    forever = await scene.landed("b", keep_for=None, is_table=True)
    scene.clock.move(timedelta(days=2).total_seconds())
    assert await scene.files.expired() == []

    (chunk,) = await scene.claim()
    await scene.work.settle([done(chunk)])
    assert [one.id for one in await scene.files.expired()] == [file.id]
    await scene.files.note_removed([file.id])

    assert await scene.files.expired() == []
    assert (await scene.shown(file)).removed_at == scene.clock()
    assert (await scene.shown(forever)).removed_at is None
    with pytest.raises(UnknownFile, match="no longer kept"):
        await scene.files.reprocess(scene.id, file.id)


async def test_objects_of_a_bucket_are_seen_once(scene: Scene) -> None:
    await scene.landed(bucket_object="a.csv etag-1")

    assert await scene.files.unseen(scene.id, ["a.csv etag-1", "a.csv etag-2"]) == {"a.csv etag-2"}
