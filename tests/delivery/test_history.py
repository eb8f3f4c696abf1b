"""How deliveries went, in steps of time, and when the status changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

import pytest

from delivery.control import Control
from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import IntegrationId
from delivery.facts.outcome import Answer, IntegrationRefused, Reply
from delivery.facts.statement import Queued, StatementId
from delivery.facts.status import Status
from delivery.history import GRAINS, History, Hour, Pace, Point, Span
from delivery.intake import Intake
from delivery.mails.alerts import MailRecords
from delivery.stores.directory import Directory
from delivery.stores.headroom import Headroom
from delivery.stores.journal import Attempt, Journal
from delivery.stores.keys import SAMPLING, Keys
from delivery.stores.lease import Leases
from delivery.stores.meters import Meters
from delivery.stores.parked import ParkedStatements
from delivery.stores.receipts import Receipts
from delivery.stores.scripts import Script
from delivery.stores.sent import Sent
from delivery.stores.statement_queue import Policy, Settled
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Argument, Store
from delivery.stores.store import Reply as Answered
from delivery.stores.tallies import Sampling, Tallies, letter_of
from delivery.work.drain import Drainer
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import FakeDoorbell
from tests.fakes.registry import FakeRegistry, an_integration
from tests.fakes.scripted import OK, TOOK, ScriptedLrs, ScriptedTokens
from tests.fakes.statements import statements

ACME, ZENITH = IntegrationId("acme"), IntegrationId("zenith")
POLICY = Policy(timedelta(seconds=60), timedelta(days=1), timedelta(days=7))
BUSY = Answer(503, "busy", TOOK)


@dataclass
class Desk:
    """An integration whose deliveries are counted, and whoever reads the counts."""

    store: Store
    clock: FakeClock = field(default_factory=FakeClock)
    bell: FakeDoorbell = field(default_factory=FakeDoorbell)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    lrs: ScriptedLrs = field(default_factory=ScriptedLrs)

    def __post_init__(self) -> None:
        self.tallies = Tallies(self.store)
        self.history = History(self.store, self.clock)
        self.states = StatusStore(self.store, self.clock)
        self.sampling = Sampling(self.store, self.clock, "one")
        self.meters = Meters(self.store)
        self.intake = Intake(
            self.store, Headroom(self.store), self.bell, self.meters, self.clock, 10_000
        )
        self.drainer = Drainer(
            store=self.store,
            leases=Leases(self.store, self.clock),
            directory=Directory(self.registry, self.states, self.bell),
            lrs=self.lrs,
            tokens=ScriptedTokens(),
            journal=Journal(self.store),
            meters=self.meters,
            tallies=self.tallies,
            doorbell=self.bell,
            clock=self.clock,
            policy=POLICY,
        )

    async def furnish(self, name: str = "acme", **changes: object) -> None:
        integration = an_integration(name, **changes)
        self.registry.put(integration)
        await self.states.apply(integration)

    async def drain(self) -> None:
        await self.drainer.drain(ACME, lambda: False)
        await self.tallies.flush()

    async def note(self, sent: Sent, *, took: timedelta | None = None) -> None:
        self.tallies.note(ACME, sent, self.clock(), took=took)
        await self.tallies.flush()

    def slow(self, **length: float) -> None:
        """Let every request take so long."""

        async def meanwhile() -> None:
            self.clock.move(**length)

        self.lrs.meanwhile = meanwhile

    async def points(self, span: Span = Span.HOUR) -> Sequence[Point]:
        return (await self.history.series(ACME, span)).points


class FragileStore(Store):
    """A Redis that is away, until it is said to be back."""

    is_away = True

    async def run(self, script: Script, keys: Sequence[str], *arguments: Argument) -> Answered:
        if self.is_away:
            raise StoreUnavailable("away")
        return await super().run(script, keys, *arguments)


@pytest.fixture
async def desk(store: Store) -> Desk:
    made = Desk(store)
    await made.furnish()
    return made


def delivered(count: int, *, after: timedelta = TOOK, replayed: bool = False) -> Sent:
    accepted = FakeClock().now - after
    queued = Queued("queue", "1-0", StatementId("s"), b"{}", "d", accepted, tried=False)
    return Sent(settled=[Settled(replace(queued, replayed=replayed), "HTTP 200")] * count)


def attempts(outcome: str, *took: float) -> list[Attempt]:
    at = FakeClock().now
    return [Attempt(at, (), outcome, None, timedelta(seconds=s), "", None) for s in took]


@pytest.mark.parametrize(
    ("span", "step", "count"),
    [
        (Span.HOUR, timedelta(minutes=1), 60),
        (Span.DAY, timedelta(hours=1), 24),
        (Span.WEEK, timedelta(hours=1), 168),
        (Span.MONTH, timedelta(hours=6), 120),
    ],
)
async def test_a_history_has_a_point_for_each_step_up_to_now(
    desk: Desk, span: Span, step: timedelta, count: int
) -> None:
    await desk.note(delivered(3))

    series = await desk.history.series(ACME, span)
    moments = [point.at for point in series.points]

    assert (series.step, len(moments)) == (step, count)
    assert moments[-1] <= desk.clock() < moments[-1] + step
    assert {b - a for a, b in pairwise(moments)} == {step}
    assert [point.delivered for point in series.points] == [0] * (count - 1) + [3]


async def test_an_integration_without_a_past_has_an_empty_history(desk: Desk) -> None:
    points = await desk.points(Span.WEEK)

    assert {replace(point, at=points[0].at) for point in points} == {
        Point(points[0].at, 0, 0, 0, None, None, None, 0, 0)
    }


async def test_counts_of_all_processes_add_up_in_their_steps(desk: Desk) -> None:
    other = Tallies(desk.store)
    await desk.note(delivered(3))
    desk.clock.move(minutes=2)
    other.note(ACME, delivered(4), desk.clock(), took=None)
    await other.flush()
    await desk.note(delivered(5))

    by_minute = [point.delivered for point in await desk.points()]
    by_hour = [point.delivered for point in await desk.points(Span.DAY)]

    assert by_minute[-3:] == [3, 0, 9]
    assert by_hour[-1] == 12


async def test_what_is_refused_and_what_is_unavailable_is_told_apart(desk: Desk) -> None:
    parked = [replace(one, reason="no") for one in delivered(2).settled]
    await desk.note(Sent(settled=parked, attempts=attempts("refused", 1, 1)))
    await desk.note(Sent(attempts=attempts("unavailable", 30)))
    await desk.note(Sent(attempts=attempts("refused", 1), stop=IntegrationRefused("403")))

    point = (await desk.points())[-1]

    assert (point.delivered, point.refused, point.unavailable) == (0, 3, 1)


async def test_only_accepted_requests_say_how_long_a_request_takes(desk: Desk) -> None:
    await desk.note(Sent(attempts=attempts("accepted", 1, 2) + attempts("unavailable", 30)))

    assert (await desk.points())[-1].request_time == timedelta(seconds=1.5)


@pytest.mark.parametrize(
    ("milliseconds", "letter"),
    [(0, "a"), (10, "a"), (11, "b"), (20, "b"), (21, "c"), (40, "c"), (41, "d"), (10**12, "z")],
)
def test_each_letter_is_for_twice_as_long_as_the_one_before(milliseconds: int, letter: str) -> None:
    assert letter_of(timedelta(milliseconds=milliseconds)) == letter


async def test_percentiles_are_about_right(desk: Desk) -> None:
    for count, seconds in ((50, 0.1), (44, 1), (6, 60)):
        await desk.note(delivered(count, after=timedelta(seconds=seconds)))

    point = (await desk.points())[-1]

    assert point.half_within is not None
    assert point.most_within is not None
    assert timedelta(seconds=0.08) <= point.half_within <= timedelta(seconds=0.16)
    assert timedelta(seconds=41) <= point.most_within <= timedelta(seconds=82)


async def test_what_is_replayed_says_nothing_of_latency(desk: Desk) -> None:
    await desk.note(delivered(5, after=timedelta(days=30), replayed=True))

    point = (await desk.points())[-1]

    assert (point.delivered, point.half_within) == (5, None)


@pytest.mark.parametrize("span", Span)
async def test_what_is_too_old_is_forgotten(desk: Desk, span: Span) -> None:
    grain = GRAINS[span]
    for _ in range(grain.steps + 3):
        await desk.note(delivered(1))
        desk.clock.move(seconds=grain.step.total_seconds())

    (kept, left) = await desk.store.ask(
        ("HLEN", Keys(ACME).steps(grain.name)), ("PTTL", Keys(ACME).steps(grain.name))
    )

    assert kept <= {"minutes": 60, "hours": 168, "quarters": 120}[grain.name]
    assert left > 0
    assert sum(point.delivered for point in await desk.points(span)) == grain.steps - 1


async def test_nothing_is_written_of_an_integration_that_was_deleted(desk: Desk) -> None:
    control = Control(
        store=desk.store,
        states=desk.states,
        receipts=Receipts(desk.store),
        journal=Journal(desk.store),
        parked_statements=ParkedStatements(desk.store, desk.clock, timedelta(days=7)),
        mail_records=MailRecords(desk.store),
        doorbell=desk.bell,
        clock=desk.clock,
        receipt_age=timedelta(days=7),
    )
    await desk.note(delivered(1))
    desk.tallies.note(ACME, delivered(1), desk.clock(), took=None)

    await control.remove(ACME, discard=True)
    await desk.tallies.flush()

    assert await desk.store.ask(("KEYS", "hub:{acme}:*")) == [[Keys(ACME).state.encode()]]


async def test_counts_that_could_not_be_written_are_kept(desk: Desk) -> None:
    fragile = FragileStore(desk.store.redis)
    tallies = Tallies(fragile)
    tallies.note(ACME, delivered(2), desk.clock(), took=None)

    with pytest.raises(StoreUnavailable):
        await tallies.flush()
    tallies.note(ACME, delivered(1), desk.clock(), took=None)
    fragile.is_away = False
    await tallies.flush()
    await tallies.flush()

    assert (await desk.points())[-1].delivered == 3


async def test_how_much_waits_is_looked_at_once_a_minute(desk: Desk) -> None:
    await desk.furnish("zenith")
    await desk.intake.accept(ACME, statements(5))
    await desk.sampling.run()
    await desk.intake.accept(ACME, statements(7)[5:])
    await desk.sampling.run()

    first = (await desk.points())[-1].queued
    await desk.store.ask(("DEL", SAMPLING))
    desk.clock.move(minutes=1)
    await desk.sampling.run()

    assert first == 5
    assert [point.queued for point in (await desk.points())[-2:]] == [5, 7]
    assert (await desk.points(Span.DAY))[-1].queued == 7
    assert await desk.store.ask(("EXISTS", Keys(ZENITH).minutes)) == [0]


async def test_a_sample_is_due_again_with_the_next_minute(desk: Desk) -> None:
    desk.clock.move(seconds=45)

    await desk.sampling.run()

    (left,) = await desk.store.ask(("PTTL", SAMPLING))
    assert 0 < left <= 15_000


async def test_the_hours_of_many_integrations_come_in_one_round_trip(desk: Desk) -> None:
    await desk.furnish("zenith")
    await desk.note(delivered(3))
    desk.clock.move(hours=2)
    await desk.note(Sent(attempts=attempts("unavailable", 1)))

    hours = await desk.history.hours([ACME, ZENITH])

    assert hours[ACME][-3:] == [Hour(3, 0), Hour(0, 0), Hour(0, 1)]
    assert hours[ZENITH] == [Hour(0, 0)] * 24
    assert await desk.history.hours([]) == {}


async def test_a_drain_is_counted_with_its_pace_while_more_waits(desk: Desk) -> None:
    await desk.furnish(revision=2, batch_size=10)
    desk.slow(seconds=0.2)
    await desk.intake.accept(ACME, statements(100))

    await desk.drain()

    point, pace = (await desk.points())[-1], await desk.history.pace(ACME)
    assert point.delivered == 60
    assert pace.measured == pytest.approx(50, rel=0.1)
    assert pace.request_time == timedelta(seconds=0.2)


async def test_a_few_statements_that_nothing_waits_behind_measure_no_pace(desk: Desk) -> None:
    desk.slow(seconds=0.2)
    await desk.intake.accept(ACME, statements(1))

    await desk.drain()

    assert await desk.history.pace(ACME) == Pace(None, timedelta(seconds=0.2))


@pytest.mark.parametrize(
    ("pace", "seconds"),
    [
        (Pace(100.0, timedelta(seconds=9)), 40),
        (Pace(None, timedelta(seconds=1)), 40),
        (Pace(None, None), None),
    ],
)
def test_catching_up_is_guessed_from_what_is_known(pace: Pace, seconds: int | None) -> None:
    guess = pace.catch_up(4000, batch_size=50, concurrency=2)

    assert guess == (None if seconds is None else timedelta(seconds=seconds))


async def test_every_change_of_status_is_written_down(desk: Desk) -> None:
    answers: list[Reply] = [BUSY, OK, Answer(403, "no", TOOK), OK]
    desk.lrs.behave = lambda _: answers.pop(0)
    await desk.intake.accept(ACME, statements(2))

    await desk.drain()
    desk.clock.move(minutes=1)
    await desk.drain()
    desk.clock.move(minutes=1)
    await desk.furnish(revision=2, version=2)
    await desk.furnish(revision=3, version=2, enabled=False)
    await desk.furnish(revision=4, version=2)
    changes = await desk.history.changes(ACME, limit=50)

    stands = [(change.before, change.status, change.reason) for change in reversed(changes)]
    assert stands == [
        (None, Status.FLOWING, ""),
        (Status.FLOWING, Status.DOWN, "HTTP 503: busy"),
        (Status.DOWN, Status.FLOWING, ""),
        (Status.FLOWING, Status.REFUSED, "HTTP 403: no"),
        (Status.REFUSED, Status.FLOWING, ""),
        (Status.FLOWING, Status.DISABLED, ""),
        (Status.DISABLED, Status.FLOWING, ""),
    ]
    assert [change.until for change in changes] == [None, *(c.at for c in changes[:-1])]


async def test_a_refusal_that_an_update_crossed_is_over_when_a_drain_begins(desk: Desk) -> None:
    await desk.store.ask(
        ("HSET", Keys(ACME).state, "status", "refused", "refused_version", 0),
    )

    await desk.drain()

    newest, *_ = await desk.history.changes(ACME, limit=1)
    assert (newest.before, newest.status) == (Status.REFUSED, Status.FLOWING)


async def test_a_purged_queue_of_a_server_that_was_down_flows_again(desk: Desk) -> None:
    desk.lrs.behave = lambda _: BUSY
    await desk.intake.accept(ACME, statements(1))
    await desk.drain()
    await desk.store.ask(("DEL", Keys(ACME).queue))
    desk.clock.move(minutes=1)

    await desk.drain()

    newest, *_ = await desk.history.changes(ACME, limit=1)
    assert (newest.before, newest.status) == (Status.DOWN, Status.FLOWING)


async def test_pages_of_changes_tell_until_when_each_stood(desk: Desk) -> None:
    for revision in range(2, 8):
        desk.clock.move(minutes=1)
        await desk.furnish(revision=revision, enabled=revision % 2 == 1)
    whole = await desk.history.changes(ACME, limit=50)

    first = await desk.history.changes(ACME, limit=3)
    rest = await desk.history.changes(ACME, limit=50, before=first[-1].place)

    assert [*first, *rest] == list(whole)
    assert len(whole) == 7


async def test_the_time_line_is_bounded(desk: Desk) -> None:
    for revision in range(2, 602):
        await desk.furnish(revision=revision, enabled=revision % 2 == 1)

    (kept,) = await desk.store.ask(("XLEN", Keys(ACME).changes))

    assert 200 <= kept < 400


async def test_the_same_news_twice_is_no_change(desk: Desk) -> None:
    await desk.furnish()

    assert len(await desk.history.changes(ACME, limit=50)) == 1


async def test_a_long_reason_is_cut_and_still_readable(desk: Desk) -> None:
    desk.lrs.behave = lambda _: Answer(503, "é" * 2000, TOOK)
    await desk.intake.accept(ACME, statements(1))

    await desk.drain()

    newest, *_ = await desk.history.changes(ACME, limit=1)
    assert newest.reason.startswith("HTTP 503: ééé")
