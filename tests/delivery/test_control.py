"""What people may see of deliveries, and do to them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from delivery.control import Control
from delivery.facts.doorbell import Work
from delivery.facts.errors import StatementsWaiting, UnknownIntegration
from delivery.facts.integration import IntegrationId
from delivery.facts.outcome import IntegrationRefused, Unavailable
from delivery.facts.statement import StatementId
from delivery.facts.status import Health, Status
from delivery.intake import Intake
from delivery.mails.alerts import MailRecords
from delivery.stores import parked as parked_statements
from delivery.stores.headroom import Headroom
from delivery.stores.journal import Attempt, Journal
from delivery.stores.keys import DUE, INTEGRATIONS, MAIL, Keys
from delivery.stores.lease import Leases
from delivery.stores.meters import Meters
from delivery.stores.parked import Parked, ParkedStatements, Wanted
from delivery.stores.receipts import Receipts, ReceiptState
from delivery.stores.statement_queue import CLOSE, Policy, Settled, StatementQueue
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import FakeDoorbell
from tests.fakes.registry import an_integration
from tests.fakes.statements import a_statement, statements

ACME, BOLT = IntegrationId("acme"), IntegrationId("bolt")
KEYS = Keys(ACME)
AGE = timedelta(days=7)


@dataclass
class Desk:
    """One integration, and somebody who looks after it."""

    store: Store
    clock: FakeClock
    bell: FakeDoorbell
    control: Control
    intake: Intake

    async def apply(self, **changes: object) -> None:
        await self.control.apply(an_integration("acme", **changes))

    async def post(self, count: int, *, start: int = 1) -> list[StatementId]:
        posted = statements(count, start=start)
        await self.intake.accept(ACME, posted)
        self.bell.rings.clear()
        return [s.id for s in posted]

    async def begin(self) -> StatementQueue:
        lease = await Leases(self.store, self.clock).take(ACME)
        assert lease is not None
        policy = Policy(timedelta(seconds=60), timedelta(days=1), AGE)
        return StatementQueue(self.store, lease, clock=self.clock, policy=policy)

    async def park(self, *statuses: int | None) -> list[StatementId]:
        """Park one new statement for each status, a minute apart."""
        for number, status in enumerate(statuses, 1):
            await self.post(1, start=number)
            queue = await self.begin()
            window = await queue.settle([], wanted=1)
            settled = [Settled(q, "no", status, f"HTTP {status}") for q in window.statements]
            await queue.settle(settled, wanted=CLOSE)
            self.clock.move(minutes=1)
        return [s.id for s in statements(len(statuses))]

    async def stop(self, outcome: Unavailable | IntegrationRefused) -> None:
        queue = await self.begin()
        await queue.settle([], wanted=1)
        await queue.stop([], outcome, tried=[], alert="{}")

    async def health(self) -> Health:
        return (await self.control.health([ACME]))[ACME]

    async def states(self, *found: StatementId) -> list[ReceiptState | None]:
        receipts = [await self.control.receipt(ACME, i) for i in found]
        return [receipt.state if receipt else None for receipt in receipts]

    async def due(self) -> float | None:
        (score,) = await self.store.ask(("ZSCORE", DUE, ACME))
        return None if score is None else float(score)


@pytest.fixture
def desk(store: Store) -> Desk:
    clock, bell = FakeClock(), FakeDoorbell()
    control = Control(
        store=store,
        states=StatusStore(store, clock),
        receipts=Receipts(store),
        journal=Journal(store),
        parked_statements=ParkedStatements(store, clock, AGE),
        mail_records=MailRecords(store),
        doorbell=bell,
        clock=clock,
        receipt_age=AGE,
    )
    intake = Intake(store, Headroom(store), bell, Meters(store), clock, 10_000)
    return Desk(store, clock, bell, control, intake)


async def parked_pages(desk: Desk, *, limit: int) -> list[list[Parked]]:
    found: list[list[Parked]] = []
    cursor: str | None = None
    while True:
        page = await desk.control.parked(ACME, limit=limit, before=cursor)
        found.append(page.items)
        cursor = page.following
        if cursor is None:
            return found


async def test_what_was_heard_of_each_integration_is_known(desk: Desk) -> None:
    await desk.apply(revision=4)

    assert await desk.control.revisions([ACME, BOLT]) == {ACME: 4, BOLT: None}
    assert await desk.control.revisions([]) == {}


@pytest.mark.parametrize(
    ("before", "change", "after", "rings"),
    [
        ("flowing", {}, Status.FLOWING, True),
        ("flowing", {"version": 2}, Status.FLOWING, True),
        ("flowing", {"enabled": False}, Status.DISABLED, False),
        ("down", {}, Status.DOWN, False),
        ("down", {"version": 2}, Status.FLOWING, True),
        ("down", {"enabled": False}, Status.DISABLED, False),
        ("refused", {}, Status.REFUSED, False),
        ("refused", {"version": 2}, Status.FLOWING, True),
        ("refused", {"enabled": False}, Status.DISABLED, False),
        ("disabled", {"enabled": False}, Status.DISABLED, False),
        ("disabled", {"enabled": False, "version": 2}, Status.DISABLED, False),
        ("disabled", {}, Status.FLOWING, True),
    ],
)
async def test_the_table_of_statuses(
    desk: Desk,
    before: str,
    change: dict[str, object],
    after: Status,
    rings: bool,  # noqa: FBT001 - a column of the table
) -> None:
    await desk.apply()
    await desk.post(1)
    match before:
        case "down":
            await desk.stop(Unavailable("HTTP 503"))
        case "refused":
            await desk.stop(IntegrationRefused("HTTP 403"))
        case "disabled":
            await desk.apply(revision=2, enabled=False)
        case _:
            pass
    assert (await desk.health()).status == before

    await desk.apply(revision=3, **change)

    health = await desk.health()
    assert (health.status, health.queued) == (after, 1)
    assert (desk.bell.rings == [(Work.DRAIN, [ACME])]) is rings
    assert (await desk.due() is not None) is (after in {Status.FLOWING, Status.DOWN})


async def test_health_tells_how_things_stand(desk: Desk) -> None:
    await desk.apply()
    start = desk.clock()
    await desk.park(400)
    await desk.post(2, start=10)
    desk.clock.move(minutes=5)
    await desk.stop(Unavailable("HTTP 503: closed", timedelta(minutes=10)))

    assert await desk.health() == Health(
        status=Status.DOWN,
        since=desk.clock(),
        reason="HTTP 503: closed",
        next_attempt_at=desk.clock() + timedelta(minutes=10),
        queued=2,
        parked=1,
        oldest_queued_at=start + timedelta(minutes=1),
        last_delivered_at=None,
        last_alert_at=None,
    )


async def test_of_an_integration_that_delivery_does_not_know_health_is_blank(desk: Desk) -> None:
    blank = Health(Status.FLOWING, None, None, None, 0, 0, None, None, None)

    assert await desk.control.health([BOLT]) == {BOLT: blank}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [422, 400, None]),
        ({"status": 400}, [400]),
        ({"status": 409}, []),
        ({"since": 1}, [422, 400]),
        ({"until": 1}, [None]),
        ({"since": 1, "until": 2}, [400]),
    ],
)
async def test_parked_statements_are_listed_newest_first(
    desk: Desk, wanted: dict[str, int], found: list[int | None]
) -> None:
    await desk.apply()
    start = desk.clock()
    await desk.park(None, 400, 422)

    def moment(key: str) -> datetime | None:
        return start + timedelta(minutes=wanted[key]) if key in wanted else None

    page = await desk.control.parked(
        ACME, Wanted(wanted.get("status"), since=moment("since"), until=moment("until"))
    )

    assert [parked.status for parked in page.items] == found
    assert page.following is None


async def test_pages_of_parked_statements_miss_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked_statements, "SOUGHT_AT_ONCE", 3)
    await desk.apply()
    parked = await desk.park(*[400] * 10)

    pages = await parked_pages(desk, limit=4)

    assert [len(page) for page in pages] == [4, 4, 2]
    assert [p.statement_id for page in pages for p in page] == parked[::-1]
    first = pages[0][0]
    assert (first.answer, first.reason, first.version) == ("no", "HTTP 400", 1)
    assert first.body == a_statement(10).body


async def test_parked_statements_are_found_by_the_servers_words(desk: Desk) -> None:
    await desk.apply()
    await desk.park(400, 422, 400)

    async def found(words: str, status: int | None = None) -> list[int | None]:
        page = await desk.control.parked(ACME, Wanted(status, words=words))
        return [parked.status for parked in page.items]

    assert await found("http 4") == [400, 422, 400]
    assert await found("NO") == [400, 422, 400]
    assert await found("422") == [422]
    assert await found("no", status=400) == [400, 400]
    assert await found("%d") == []


async def test_a_search_among_many_ends_soon_and_goes_on_where_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked_statements, "SOUGHT_AT_ONCE", 2)
    monkeypatch.setattr(parked_statements, "MOST_SOUGHT", 4)
    await desk.apply()
    await desk.park(400, 422, 422, 422, 422, 422)
    wanted = Wanted(status=400)

    first = await desk.control.parked(ACME, wanted)
    rest = await desk.control.parked(ACME, wanted, before=first.following)

    assert (first.items, first.looked_at) == ([], 4)
    assert ([parked.status for parked in rest.items], rest.looked_at) == ([400], 2)
    assert rest.following is None


async def test_a_search_on_a_slow_machine_ends_soon_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked_statements, "SOUGHT_AT_ONCE", 2)
    monkeypatch.setattr(parked_statements, "ENOUGH", timedelta(seconds=-1))
    await desk.apply()
    await desk.park(400, 422, 422, 422)

    page = await desk.control.parked(ACME, Wanted(status=400))

    assert (page.items, page.looked_at, page.following is None) == ([], 2, False)


async def test_what_was_parked_long_ago_is_looked_for_where_it_is(desk: Desk) -> None:
    await desk.apply()
    start = desk.clock()
    await desk.park(*[400] * 20)

    async def found(**wanted: datetime) -> tuple[int, int]:
        page = await desk.control.parked(ACME, Wanted(**wanted))  # type: ignore[arg-type]  # by name
        return len(page.items), page.looked_at

    # Places are milliseconds: what was parked in the same one is looked at too.
    count, looked_at = await found(until=start + timedelta(minutes=3))
    assert (count, looked_at < 20) == (3, True)
    assert await found(since=start + timedelta(minutes=18)) == (2, 2)
    assert (await found(since=start + timedelta(minutes=1), until=start))[0] == 0
    assert (await found(until=start))[0] == 0
    assert await found(since=start + timedelta(hours=1)) == (0, 0)
    assert await found(until=start + timedelta(hours=1)) == (20, 20)


async def test_attempts_are_found_by_outcome_status_and_time(desk: Desk) -> None:
    await desk.apply()
    start = desk.clock()
    made = [
        Attempt(start + timedelta(minutes=n), (), outcome, status, timedelta(), "", None)
        for n, (outcome, status) in enumerate(
            [("accepted", 200), ("refused", 400), ("unavailable", 503), ("unavailable", None)]
        )
    ]
    await desk.control.journal.add(ACME, made)

    async def found(**wanted: object) -> list[Attempt]:
        page, _ = await desk.control.attempts(ACME, **wanted)  # type: ignore[arg-type]  # by name
        return page[::-1]

    assert await found() == made
    assert await found(outcome="unavailable") == made[2:]
    assert await found(status=400) == made[1:2]
    assert await found(since=made[2].at) == made[2:]
    assert await found(until=made[2].at) == made[:2]
    assert await found(outcome="unavailable", status=503, since=start) == made[2:3]


async def test_released_statements_are_rung_for_and_unknown_ones_are_not(desk: Desk) -> None:
    await desk.apply()
    first, second = await desk.park(400, 400)

    assert await desk.control.release(ACME, [StatementId("unknown")]) == 0
    assert await desk.control.release(BOLT, None) == 0
    assert desk.bell.rings == []
    assert await desk.control.release(ACME, [first, first]) == 1

    assert desk.bell.rings == [(Work.DRAIN, [ACME])]
    assert await desk.states(first, second) == [ReceiptState.QUEUED, ReceiptState.PARKED]
    assert await desk.due() is not None


async def test_to_release_all_is_one_mark_that_the_next_drain_works_off(desk: Desk) -> None:
    await desk.apply()
    parked = await desk.park(*[400] * 5)

    assert await desk.control.release(ACME, None) == 5
    queue = await desk.begin()
    window = await queue.settle([], wanted=10)

    assert [q.id for q in window.statements] == parked
    assert (await desk.health()).parked == 0


async def test_what_is_parked_after_all_were_released_stays(desk: Desk) -> None:
    await desk.apply()
    await desk.park(400)
    await desk.control.release(ACME, None)
    queue = await desk.begin()
    window = await queue.settle([], wanted=10)

    refused = [Settled(q, "no", 400, "HTTP 400") for q in window.statements]
    again = await queue.settle(refused, wanted=10)

    assert again.statements == ()
    assert (await desk.health()).parked == 1


async def test_released_while_disabled_it_waits_to_be_enabled(desk: Desk) -> None:
    await desk.apply()
    (parked,) = await desk.park(400)
    await desk.apply(revision=2, enabled=False)

    assert await desk.control.release(ACME, [parked]) == 1

    assert await desk.due() is None
    await desk.apply(revision=3)
    assert await desk.due() is not None


async def test_discarded_statements_are_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.stores.parked.AT_ONCE", 2)
    await desk.apply()
    parked = await desk.park(*[400] * 6)

    assert await desk.control.discard(BOLT, None) == 0
    assert await desk.control.discard(ACME, [parked[3], StatementId("unknown")]) == 1
    assert await desk.control.discard(ACME, None) == 5
    assert await desk.control.discard(ACME, None) == 0

    assert await desk.states(*parked) == [ReceiptState.DISCARDED] * 6
    assert (await desk.health()).parked == 0


async def test_a_purge_takes_what_waits_and_leaves_what_is_parked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.control.AT_ONCE", 3)
    await desk.apply()
    released, kept = await desk.park(400, 400)
    await desk.control.release(ACME, [released])
    waiting = await desk.post(7, start=10)

    assert await desk.control.purge(ACME) == 8
    assert await desk.control.purge(ACME) == 0

    assert await desk.states(released, *waiting) == [ReceiptState.DISCARDED] * 8
    assert await desk.states(kept) == [ReceiptState.PARKED]
    assert (await desk.health()).queued == 0


async def test_what_was_purged_is_a_duplicate_if_it_comes_again(desk: Desk) -> None:
    await desk.apply()
    purged = await desk.post(1)
    await desk.control.purge(ACME)

    taken = await desk.intake.accept(ACME, [a_statement(1)])

    assert list(taken.duplicates) == purged


async def test_an_integration_that_holds_statements_is_not_just_deleted(desk: Desk) -> None:
    await desk.apply()
    await desk.park(400, 400)
    await desk.post(3, start=10)

    with pytest.raises(StatementsWaiting) as waiting:
        await desk.control.remove(ACME, discard=False)

    assert waiting.value.count == 5
    assert (await desk.health()).queued == 3
    assert await desk.due() is not None


@pytest.mark.parametrize("waiting", [0, 5])
async def test_a_deleted_integration_leaves_nothing_behind(
    desk: Desk, waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.control.AT_ONCE", 2)
    await desk.apply()
    if waiting:
        await desk.park(*[400] * waiting)
        await desk.post(waiting, start=100)
        await desk.stop(Unavailable("HTTP 503"))

    assert await desk.control.remove(ACME, discard=waiting > 0) == 2 * waiting
    assert await desk.control.remove(ACME, discard=True) == 0

    left = await desk.store.redis.keys(f"*{ACME}*")
    assert [key for key in left if key != KEYS.state.encode()] == []
    assert await desk.store.ask(
        ("ZSCORE", DUE, ACME), ("ZSCORE", MAIL, ACME), ("SISMEMBER", INTEGRATIONS, ACME)
    ) == [None, None, 0]
    with pytest.raises(UnknownIntegration):
        await desk.intake.accept(ACME, [a_statement(1)])


async def test_every_key_of_an_integration_goes_with_it(desk: Desk) -> None:
    await desk.apply()
    names = [name for name, made in vars(Keys).items() if isinstance(made, property)]
    holding = {
        KEYS.state,
        KEYS.receipts,
        *KEYS.lanes(),
        KEYS.parked,
        KEYS.operation,
        KEYS.operations,
    }
    others = {str(getattr(KEYS, name)) for name in names} - holding
    await desk.store.ask(*(("SET", key, "x") for key in others))

    await desk.control.remove(ACME, discard=False)

    assert await desk.store.redis.keys(f"*{ACME}*") == [KEYS.state.encode()]


async def test_late_news_does_not_bring_a_deleted_integration_back(desk: Desk) -> None:
    await desk.apply()
    await desk.control.remove(ACME, discard=True)

    await desk.apply(revision=9)

    assert await desk.control.revisions([ACME]) == {ACME: None}
    with pytest.raises(UnknownIntegration):
        await desk.intake.accept(ACME, [a_statement(1)])


async def test_a_drain_that_is_under_way_when_its_integration_is_deleted_changes_nothing(
    desk: Desk,
) -> None:
    await desk.apply()
    await desk.post(3)
    queue = await desk.begin()
    window = await queue.settle([], wanted=10)
    await desk.control.remove(ACME, discard=True)

    settled = await queue.settle([Settled(q, "HTTP 200") for q in window.statements], wanted=10)
    stopped = await queue.stop(
        [], Unavailable("HTTP 503"), tried=[q.id for q in window.statements], alert="{}"
    )

    assert (settled.lost, stopped.lost) == (True, True)
    assert await desk.control.receipt(ACME, a_statement(1).id) is None
    left = await desk.store.redis.keys(f"*{ACME}*")
    assert left == [KEYS.state.encode()]
