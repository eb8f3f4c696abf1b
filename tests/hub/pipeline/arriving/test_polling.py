"""Polling a real server: rounds, the high-water mark, and whatever cuts a round short."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from ipaddress import ip_network

import httpx
import pytest
from pydantic import JsonValue

from delivery.wire.egress import Egress
from hub.errors import LandingUnavailable
from hub.pipeline.arriving.fetching import Fetching
from hub.pipeline.arriving.polling import Polling
from hub.pipeline.arriving.receiving import Receiving
from hub.pipeline.arriving.turns import Turn
from hub.registry.pipeline.sources import SourceRecord
from hub.registry.sql.leases import SqlLease
from tests.fakes.fuses import Fuse, FusedLanding
from tests.fakes.http_server import Behaviour, HttpServer, Received, http_server, says
from tests.hub.pipeline.conftest import LARGEST, Room

WITHIN = timedelta(seconds=5)
LOOPBACK = [ip_network("127.0.0.0/8")]
INTERVAL = 60


class Scene:
    """A server with records, a source that asks it, and workers."""

    def __init__(self, room: Room, server: HttpServer, client: httpx.AsyncClient) -> None:
        self.room = room
        self.server = server
        self.client = client
        self.pauses: list[float] = []
        self.source: SourceRecord

    async def make(self, **said: object) -> None:
        self.source = await self.room.source(
            kind="poll", url=self.server.url("/rows"), intervalSeconds=INTERVAL, **said
        )

    def worker(self, holder: str = "one", receiving: Receiving | None = None) -> Polling:
        room = self.room
        fetching = Fetching(self.client, WITHIN, room.clock, self._sleep)
        return Polling(
            room.turns(holder),
            room.sources,
            receiving or room.receiving,
            fetching,
            room.clock,
            self._sleep,
        )

    async def ask(self) -> SourceRecord:
        """Let a worker look, when the interval is over; the source afterwards."""
        await self.worker().run()
        return await self.shown()

    async def later(self, seconds: float = INTERVAL) -> SourceRecord:
        self.room.clock.move(seconds=seconds)
        return await self.ask()

    async def shown(self) -> SourceRecord:
        return await self.room.shown(self.source)

    async def mark(self) -> object:
        return (await self.room.sources.cursor(self.source.id)).get("mark")

    def asked(self) -> list[str]:
        """Give the queries of all requests."""
        return [one.target.partition("?")[2] for one in self.server.requests]

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
async def scene(room: Room, tls: ssl.SSLContext) -> AsyncIterator[Scene]:
    async with (
        http_server(says(200, [])) as server,
        Egress(LOOPBACK, tls=tls).open_client(timeout=WITHIN) as client,
    ):
        yield Scene(room, server, client)


def page(*numbers: int, after: str | None = None) -> Behaviour:
    return says(200, {"rows": [{"at": one} for one in numbers], "next": after})


PAGING: dict[str, object] = {"type": "cursor", "field": "/next"}
MARKED: dict[str, object] = {
    "records": "/rows",
    "cursor": {"field": "at", "parameter": "since"},
    "paging": PAGING,
}


async def test_a_round_lands_each_page_and_moves_the_mark(scene: Scene) -> None:
    await scene.make(**MARKED)
    scene.server.script = [page(1, 2, after="b"), page(4, 3)]

    shown = await scene.ask()

    assert scene.asked() == ["", "cursor=b"]
    assert len(await scene.room.landed(scene.source)) == 2
    assert await scene.mark() == "4"
    assert shown.trouble is None
    assert shown.next_at == scene.room.clock() + timedelta(seconds=INTERVAL)


async def test_it_is_asked_when_its_interval_is_over_and_not_before(scene: Scene) -> None:
    await scene.make(**MARKED)
    scene.server.script = [page(1), page(2)]

    await scene.ask()
    await scene.later(INTERVAL - 1)
    assert len(scene.server.requests) == 1
    await scene.later(1)

    assert scene.asked() == ["", "since=1"]


async def test_the_next_round_overlaps_and_lands_only_what_is_new(scene: Scene) -> None:
    cursor = {"field": "at", "parameter": "since", "overlapSeconds": 10}
    await scene.make(**{**MARKED, "cursor": cursor})
    scene.server.script = [page(1000), page(1000), page(1000, 1005)]

    await scene.ask()
    await scene.later()
    assert len(await scene.room.landed(scene.source)) == 1
    await scene.later()

    assert scene.asked() == ["", "since=990", "since=990"]
    assert len(await scene.room.landed(scene.source)) == 2
    assert await scene.mark() == "1005"


async def test_an_empty_answer_lands_nothing_and_leaves_the_mark(scene: Scene) -> None:
    await scene.make(**MARKED)
    scene.server.script = [page(7), page()]

    await scene.ask()
    await scene.later()

    assert len(await scene.room.landed(scene.source)) == 1
    assert await scene.mark() == "7"


async def test_a_round_that_is_cut_short_leaves_the_mark_and_begins_again(scene: Scene) -> None:
    await scene.make(**MARKED)
    scene.server.script = [page(1, after="b"), says(404), page(1, after="b"), page(2)]

    shown = await scene.ask()
    assert shown.trouble == "127.0.0.1 answered 404 Sorry"
    assert await scene.mark() is None
    assert scene.source.id in (await scene.room.told())[0]
    shown = await scene.later()

    assert scene.asked() == ["", "cursor=b", "", "cursor=b"]
    assert len(await scene.room.landed(scene.source)) == 2
    assert (await scene.mark(), shown.trouble) == ("2", None)
    assert await scene.room.told() == []


async def test_the_mark_moves_only_after_landing(scene: Scene) -> None:
    await scene.make(**MARKED)
    scene.server.otherwise = page(1)
    room = scene.room
    fuse = Fuse(lambda: LandingUnavailable("the disk is full"), at=1)
    full = Receiving(
        FusedLanding(room.landing, fuse), room.files, room.clock, room.folder / "spool", LARGEST
    )

    await scene.worker(receiving=full).run()
    assert await scene.mark() is None
    assert (await scene.shown()).trouble == "the disk is full"
    await scene.later()

    assert await scene.mark() == "1"
    assert len(await room.landed(scene.source)) == 1


async def test_a_round_longer_than_a_turn_goes_on_in_the_next(scene: Scene) -> None:
    await scene.make(**{**MARKED, "paging": {**PAGING, "mostPages": 2}})
    # The newest come first: with the mark at 9, those of the third page would never be asked for.
    scene.server.script = [page(9, 8, after="b"), page(7, after="c"), page(6), page()]

    await scene.ask()
    assert await scene.mark() is None
    await scene.later()
    assert await scene.mark() == "9"
    shown = await scene.later()

    assert scene.asked() == ["", "cursor=b", "cursor=c", "since=9"]
    assert len(await scene.room.landed(scene.source)) == 3
    assert shown.trouble is None


async def test_a_round_does_not_go_on_in_a_source_that_was_changed(scene: Scene) -> None:
    await scene.make(**{**MARKED, "paging": {**PAGING, "mostPages": 1}})
    scene.server.script = [page(1, after="b"), page(1, after="b")]

    await scene.ask()
    settings = {**scene.source.settings, "url": scene.server.url("/others")}
    await scene.room.sources.change(scene.source.id, settings, {}, revision=None, by="test")
    await scene.later()

    assert [one.target for one in scene.server.requests] == ["/rows", "/others"]


async def test_another_cursor_begins_anew_even_in_the_middle_of_a_turn(scene: Scene) -> None:
    await scene.make(**MARKED)
    sources = scene.room.sources

    async def is_changed(asked: Received, writer: asyncio.StreamWriter) -> None:
        scene.room.clock.move(seconds=1)
        cursor: dict[str, JsonValue] = {"field": "at", "parameter": "since", "initial": "5"}
        settings = {**scene.source.settings, "cursor": cursor}
        await sources.change(scene.source.id, settings, {}, revision=None, by="test")
        await page(9)(asked, writer)

    scene.server.script = [page(8), is_changed, page(7), page()]
    await scene.ask()
    shown = await scene.later()
    assert await scene.mark() is None
    assert shown.next_at == scene.room.clock()
    await scene.ask()
    renamed = {**(await scene.shown()).settings, "name": "Another"}
    await sources.change(scene.source.id, renamed, {}, revision=None, by="test")
    await scene.ask()

    assert scene.asked() == ["", "since=8", "since=5", "since=7"]


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (says(200, b"<html>"), "the answer is no JSON"),
        (says(200, b"[" * 100_000), "the answer is no JSON"),
        (says(200, {"items": []}), "there are no records at /rows"),
        (
            says(200, {"rows": [], "next": "x" * 5000}),
            "page 1: the next page's address is too",
        ),
        (says(403, {}), "answered 403"),
    ],
    ids=["html", "nested", "elsewhere", "long", "forbidden"],
)
async def test_what_is_no_page_is_told_and_asked_for_later(
    scene: Scene, answer: Behaviour, trouble: str
) -> None:
    await scene.make(**MARKED)
    scene.server.otherwise = answer

    shown = await scene.ask()

    assert trouble in str(shown.trouble)
    assert await scene.room.landed(scene.source) == []


@pytest.mark.parametrize(
    "named",
    ["http://[bad", "/x\x01", "/x\0", "http://a℀b.example/", "https://elsewhere.example/", {}],
    ids=["bracket", "control", "nul", "nfkc", "elsewhere", "object"],
)
async def test_a_page_is_landed_though_the_next_is_nowhere(scene: Scene, named: object) -> None:
    paging = {"type": "next", "field": "/next"}
    await scene.make(**{**MARKED, "paging": paging})
    broken = scene.source
    await scene.make()
    answer = says(200, {"rows": [{"at": 1}], "next": named})
    scene.server.script = [page(0, after="/rows?p=2"), answer]

    await scene.ask()

    shown = await scene.room.shown(broken)
    assert str(shown.trouble).startswith("page 2: ")
    assert len(await scene.room.landed(broken)) == 2
    assert (await scene.room.sources.cursor(broken.id))["mark"] is None
    assert shown.next_at == scene.room.clock() + timedelta(seconds=INTERVAL)
    assert broken.id in (await scene.room.told())[0]
    assert len(scene.server.requests) == 3
    assert (await scene.shown()).trouble is None


async def test_a_mark_that_is_too_long_is_told(scene: Scene) -> None:
    await scene.make(**MARKED)
    scene.server.otherwise = says(200, {"rows": [{"at": "x" * 100_000}]})

    shown = await scene.ask()

    assert "page 1: the value of at has 100000 characters" in str(shown.trouble)
    assert len(await scene.room.landed(scene.source)) == 1
    assert await scene.mark() is None


async def test_a_mark_at_the_beginning_of_time_does_not_overlap(scene: Scene) -> None:
    cursor = {"field": "at", "parameter": "since", "overlapSeconds": 10}
    await scene.make(**{**MARKED, "cursor": cursor})
    scene.server.script = [says(200, {"rows": [{"at": "0001-01-01T00:00:00Z"}]}), page()]

    await scene.ask()
    shown = await scene.later()

    assert scene.asked() == ["", "since=0001-01-01T00:00:00Z"]
    assert shown.trouble is None


async def test_a_record_of_the_far_future_moves_no_mark(scene: Scene) -> None:
    await scene.make(**MARKED)
    dates = ["2999-01-01T00:00:00Z", "2020-01-01T00:00:00Z"]
    scene.server.script = [says(200, {"rows": [{"at": one} for one in dates]})]

    await scene.ask()

    assert await scene.mark() == "2020-01-01T00:00:00Z"


async def test_a_page_that_names_itself_is_the_last(scene: Scene) -> None:
    await scene.make(**MARKED)
    scene.server.script = [page(1, after="b"), page(2, after="b")]

    shown = await scene.ask()

    assert scene.asked() == ["", "cursor=b"]
    assert len(await scene.room.landed(scene.source)) == 2
    assert (await scene.mark(), shown.trouble) == ("2", None)


async def test_an_api_that_does_not_know_the_cursor_is_told_of(scene: Scene) -> None:
    await scene.make(**MARKED)
    scene.server.otherwise = page(1, after="b")

    shown = await scene.ask()

    assert "page 2: it has the same records as the page before" in str(shown.trouble)
    assert (await scene.mark(), len(scene.server.requests)) == (None, 2)


@pytest.mark.parametrize("most", [1, 2, 1000])
async def test_pages_in_a_circle_are_told_of_over_all_turns(scene: Scene, most: int) -> None:
    await scene.make(**{**MARKED, "paging": {**PAGING, "mostPages": most}})
    scene.server.script = [page(1, after="a")]
    scene.server.script += [page(2, after="b"), page(3, after="a")] * 3

    shown = await scene.ask()
    for _ in range(6):
        shown = shown if shown.trouble else await scene.later()

    assert "page 5: the pages go in a circle" in str(shown.trouble)
    assert len(await scene.room.landed(scene.source)) == 3
    assert await scene.mark() is None


@pytest.mark.parametrize("paging", [{"type": "offset", "size": 2}, {"type": "page"}])
async def test_an_api_that_cannot_count_is_told_of(scene: Scene, paging: dict[str, object]) -> None:
    await scene.make(**{**MARKED, "paging": paging})
    scene.server.otherwise = page(1, 2)

    shown = await scene.ask()

    words = f"page 2: it has the same records as the page before; is {paging['type']} the right"
    assert words in str(shown.trouble)
    assert (await scene.mark(), len(scene.server.requests)) == (None, 2)


@pytest.mark.parametrize(
    ("size", "pages"), [(None, [(1, 2), (3,), (3,)]), (2, [(1,), (1,)])], ids=["many", "one"]
)
async def test_the_last_page_again_is_the_end(
    scene: Scene, size: int | None, pages: list[tuple[int, ...]]
) -> None:
    await scene.make(**{**MARKED, "paging": {"type": "page", "size": size}})
    scene.server.script = [page(*one) for one in pages]

    shown = await scene.ask()

    assert len(scene.server.requests) == len(pages)
    assert (await scene.mark(), shown.trouble) == (str(pages[-1][-1]), None)


@pytest.mark.parametrize("status", [200, 204])
async def test_an_answer_without_a_body_is_an_empty_page(scene: Scene, status: int) -> None:
    await scene.make(**MARKED)
    scene.server.script = [page(7), says(status, b"")]

    await scene.ask()
    shown = await scene.later()

    assert (await scene.mark(), shown.trouble) == ("7", None)
    assert len(await scene.room.landed(scene.source)) == 1


async def test_a_byte_order_mark_is_no_part_of_a_page(scene: Scene) -> None:
    await scene.make(**MARKED)
    scene.server.script = [says(200, b'\xef\xbb\xbf{"rows": [{"at": 3}]}')]

    shown = await scene.ask()

    assert (await scene.mark(), shown.trouble) == ("3", None)
    assert await scene.room.contents(scene.source) == [b'{"rows": [{"at": 3}]}']


async def test_what_nobody_thought_of_is_the_trouble_of_one_source(scene: Scene) -> None:
    await scene.make(**MARKED)
    broken, room = scene.source, scene.room
    await scene.make()
    asked: list[str] = []

    async def ask(source: SourceRecord, secrets: Mapping[str, str], lease: SqlLease) -> Turn:
        asked.append(source.id)
        if source.id == broken.id:
            raise ZeroDivisionError("by\0nothing " + "x" * 5000)
        return Turn(timedelta(seconds=INTERVAL))

    await room.turns().run(broken.kind, ask)

    shown = await room.shown(broken)
    assert asked == [broken.id, scene.source.id]
    assert str(shown.trouble).startswith("failed unexpectedly: ZeroDivisionError: by\ufffdnothing")
    assert len(str(shown.trouble)) == 1000
    assert shown.next_at == room.clock() + timedelta(minutes=5)
    assert broken.id in (await room.told())[0]
    assert (await scene.shown()).trouble is None


async def test_a_turn_that_is_broken_off_is_no_trouble(scene: Scene) -> None:
    await scene.make(**MARKED)
    arrived = asyncio.Event()

    async def waits(asked: Received, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.Event().wait()

    scene.server.otherwise = waits
    working = asyncio.create_task(scene.worker().run())
    await arrived.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    shown = await scene.shown()
    assert (shown.trouble, shown.asked_at) == (None, None)


async def test_the_more_failures_the_later_but_every_hour(scene: Scene) -> None:
    await scene.make()
    scene.server.otherwise = says(400)

    pauses: list[float] = []
    for _ in range(9):
        shown = await scene.ask()
        assert shown.next_at is not None
        pauses.append((shown.next_at - scene.room.clock()).total_seconds())
        scene.room.clock.now = shown.next_at

    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


async def test_a_server_that_wants_to_be_left_alone_is(scene: Scene) -> None:
    await scene.make()
    scene.server.script = [says(429, headers={"Retry-After": "600"})]

    await scene.ask()
    await scene.later(599)
    assert len(scene.server.requests) == 1
    await scene.later(1)

    assert len(scene.server.requests) == 2


async def test_no_more_requests_a_minute_than_were_agreed(scene: Scene) -> None:
    await scene.make(**MARKED, requestsPerMinute=30)
    scene.server.script = [page(1, after="b"), page(2, after="c"), page(3)]

    await scene.ask()

    assert scene.pauses == [2, 2]


async def test_one_worker_asks_at_a_time(scene: Scene) -> None:
    await scene.make(**MARKED)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def waits(asked: Received, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await go_on.wait()
        await page(1)(asked, writer)

    scene.server.otherwise = waits
    first = asyncio.create_task(scene.worker("one").run())
    await arrived.wait()
    await scene.worker("two").run()
    go_on.set()
    await first
    await scene.worker("two").run()

    assert len(scene.server.requests) == 1


async def test_who_lost_the_right_lands_nothing_and_moves_no_mark(scene: Scene) -> None:
    await scene.make(**MARKED)
    room = scene.room

    async def is_slow(asked: Received, writer: asyncio.StreamWriter) -> None:
        room.clock.move(seconds=31)
        taken = await room.leases.take(
            f"source/{scene.source.id}", timedelta(seconds=30), holder="another"
        )
        assert taken is not None
        await page(1)(asked, writer)

    scene.server.otherwise = is_slow
    await scene.worker().run()

    assert await room.landed(scene.source) == []
    assert await scene.mark() is None
    assert (await scene.shown()).asked_at is None


async def test_a_source_that_is_disabled_is_not_asked(scene: Scene) -> None:
    await scene.make(status="disabled")

    shown = await scene.ask()

    assert scene.server.requests == []
    assert shown.next_at == scene.room.clock() + timedelta(seconds=INTERVAL)


async def test_a_source_that_was_taken_away_meanwhile_is_let_be(scene: Scene) -> None:
    await scene.make(**MARKED)

    async def is_late(asked: Received, writer: asyncio.StreamWriter) -> None:
        await scene.room.sources.delete(scene.source.id, by="test")
        await page(1)(asked, writer)

    scene.server.otherwise = is_late
    await scene.worker().run()

    assert await scene.room.sources.due([scene.source.kind]) == []


async def test_who_has_it_asked_again_in_the_middle_of_a_turn_is_heeded(scene: Scene) -> None:
    await scene.make(**MARKED)

    async def meanwhile(asked: Received, writer: asyncio.StreamWriter) -> None:
        scene.room.clock.move(seconds=1)
        await scene.room.sources.ask_now(scene.source.id)
        await page(1)(asked, writer)

    scene.server.script = [meanwhile]
    shown = await scene.ask()

    assert shown.next_at == scene.room.clock()
    await scene.ask()
    assert len(scene.server.requests) == 2


async def test_secrets_that_cannot_be_opened_keep_no_other_waiting(scene: Scene) -> None:
    await scene.make(auth={"type": "bearer", "token": "abc"})
    broken = scene.source
    await scene.room.spoil(broken)
    await scene.make()

    await scene.ask()

    assert len(scene.server.requests) == 1
    assert "its secrets cannot be opened" in str((await scene.room.shown(broken)).trouble)
