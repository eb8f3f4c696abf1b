"""Operators let many statements go once more, set free or give up, and can change their minds."""

from datetime import timedelta

import pytest

from delivery.facts.block import EndedAs
from delivery.facts.errors import NothingMeant, UnknownIntegration
from delivery.facts.integration import Integration, IntegrationId
from delivery.facts.operation import Kind, Operation, OperationId, Selection, State, Verb
from delivery.facts.statement import Statement
from delivery.facts.status import Status
from delivery.stores.keys import OPERATIONS, Keys
from delivery.stores.receipts import ReceiptState
from delivery.work import operating
from tests.fakes.statements import a_statement, ids, statements
from tests.journeys.world import START, World


async def delivered(world: World, count: int, *, batch_size: int = 1) -> Integration:
    """Set up an integration, and let statements be delivered, a minute after the start."""
    acme = await world.add(batch_size=batch_size)
    await world.run(minutes=1)
    await world.post(acme, *statements(count))
    world.sandbox.lrs.forget()
    await world.run(minutes=1)
    return acme


async def replay(world: World, acme: Integration, **selection: object) -> Operation:
    return await world.operations.begin(
        acme.id,
        Kind.REPLAY,
        Selection(**selection),  # type: ignore[arg-type]  # fields by name
        by="ann",
    )


async def state(world: World, operation: Operation) -> Operation:
    found = await world.operations.find(operation.integration_id, operation.id)
    assert found is not None
    return found


async def states(
    world: World, acme: Integration, *which: Statement
) -> list[tuple[ReceiptState, int]]:
    receipts = [await world.receipt(acme, one) for one in which]
    return [(receipt.state, receipt.attempts) for receipt in receipts]


async def test_an_hour_is_replayed_in_its_order_byte_for_byte(world: World) -> None:
    acme = await delivered(world, 1200, batch_size=50)
    posted = statements(1200)

    operation = await replay(world, acme, since=START)
    await world.operate(3)

    assert world.delivered == ids(posted)
    assert world.sandbox.lrs.body(posted[7].id) == posted[7].body
    ended = await state(world, operation)
    assert (ended.state, ended.total, ended.done, ended.skipped) == (State.DONE, 1200, 1200, 0)
    assert ended.ended_at is not None
    assert await states(world, acme, posted[0]) == [(ReceiptState.DELIVERED, 2)]


async def test_only_what_was_delivered_in_that_time_is_replayed(world: World) -> None:
    acme = await world.add()
    for number in range(1, 5):
        await world.post(acme, a_statement(number))
        await world.run(minutes=10)
    world.sandbox.lrs.forget()

    await replay(
        world, acme, since=START + timedelta(minutes=10), until=START + timedelta(minutes=30)
    )
    await world.operate(2)

    assert world.delivered == ids([a_statement(2), a_statement(3)])


async def test_a_statement_is_replayed_by_its_id(world: World) -> None:
    acme = await delivered(world, 20)

    await replay(world, acme, ids=frozenset({a_statement(5).id, a_statement(17).id}))
    await world.operate(2)

    assert world.delivered == ids([a_statement(5), a_statement(17)])


async def test_what_was_taken_for_delivered_by_a_409_is_replayed_by_that_status(
    world: World,
) -> None:
    acme = await world.add()
    await world.post(acme, a_statement(1))
    world.sandbox.change({"statements": "apply_then_reset"})
    await world.post(acme, a_statement(2))
    world.sandbox.change({"statements": 409})
    await world.run(minutes=1)
    world.sandbox.change({"statements": "ok"})
    world.sandbox.lrs.forget()
    await world.run(seconds=1)

    await replay(world, acme, status=409)
    await world.operate(2)

    assert world.delivered == ids([a_statement(2)])


async def test_an_lrs_that_answers_409_to_a_replayed_statement_has_it(world: World) -> None:
    acme = await delivered(world, 3)
    world.sandbox.change({"statements": 409})

    await replay(world, acme, since=START)
    await world.operate(2)

    health = await world.health(acme)
    assert (health.queued, health.parked) == (0, 0)
    assert await states(world, acme, a_statement(1)) == [(ReceiptState.DELIVERED, 2)]


@pytest.mark.parametrize("in_front", [True, False])
async def test_replayed_statements_pass_behind_live_ones_or_in_front(
    world: World, *, in_front: bool
) -> None:
    acme = await delivered(world, 3)
    world.sandbox.change({"statements": 503})
    live = statements(2, start=100)
    await world.post(acme, *live)

    await world.operations.begin(
        acme.id, Kind.REPLAY, Selection(since=START), in_front=in_front, by="ann"
    )
    await world.operate(2)
    late = a_statement(200)
    await world.post(acme, late)
    world.sandbox.change({"statements": "ok"})
    await world.run(minutes=2)

    replayed = ids(statements(3))
    expected = [*replayed, *ids(live), late.id] if in_front else [*ids(live), late.id, *replayed]
    assert world.delivered == expected


async def test_a_large_replay_leaves_most_of_it_packed_until_there_is_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "ROOM", 100)
    monkeypatch.setattr(operating, "CHUNK", 50)
    acme = await delivered(world, 1000, batch_size=50)
    world.sandbox.change({"statements": 503})
    await world.post(acme, a_statement(5000))

    operation = await replay(world, acme, since=START)
    await world.operate(30)
    waiting = (await world.health(acme)).queued
    world.sandbox.change({"statements": "ok"})
    await world.run(minutes=1)
    await world.operate(30)

    assert waiting == 101
    assert (await state(world, operation)).done == 1000
    assert len(world.delivered) == 1001


async def test_a_replay_sends_nothing_that_waits_already_and_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = await delivered(world, 10)
    world.sandbox.change({"statements": 503})

    first = await replay(world, acme, since=START)
    await world.operate(2)
    second = await replay(world, acme, since=START)
    await world.operate(2)
    world.sandbox.change({"statements": "ok"})
    await world.run(minutes=1)

    assert (await state(world, first)).done == 10
    assert ((await state(world, second)).done, (await state(world, second)).skipped) == (0, 10)
    assert world.sandbox.lrs.received == 10


async def test_a_step_that_is_done_twice_repeats_nothing(world: World) -> None:
    acme = await delivered(world, 10)
    operation = await replay(world, acme, since=START)
    keys = Keys(acme.id)
    (before,) = await world.store.ask(("HGETALL", f"{keys.operation}{operation.id}"))

    await world.operating.run()
    # As if the worker had died before it could tell: the operation stands where it stood.
    await world.redis.hset(f"{keys.operation}{operation.id}", mapping=before)
    await world.store.ask(("ZADD", OPERATIONS, 0, f"{acme.id} {operation.id}"))
    await world.operate(2)

    assert world.sandbox.lrs.received == 10
    assert (await state(world, operation)).state is State.DONE


async def test_a_paused_replay_stands_still_and_goes_on_where_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "ROOM", 10)
    monkeypatch.setattr(operating, "CHUNK", 10)
    acme = await delivered(world, 60)
    operation = await replay(world, acme, since=START)
    await world.operating.run()

    await world.operations.steer(acme.id, operation.id, Verb.PAUSE)
    await world.settle()
    await world.operate(10)
    stood = await state(world, operation)
    await world.operations.steer(acme.id, operation.id, Verb.RESUME)
    await world.operate(10)

    assert (stood.state, stood.done, len(world.delivered)) == (State.PAUSED, 10, 60)
    assert world.delivered == ids(statements(60))
    assert (await state(world, operation)).state is State.DONE


async def test_a_cancelled_replay_takes_back_what_was_not_sent(world: World) -> None:
    acme = await delivered(world, 30)
    world.sandbox.change({"statements": 503})
    live = a_statement(100)
    await world.post(acme, live)
    operation = await replay(world, acme, since=START)
    await world.operate(2)
    assert (await world.health(acme)).queued == 31

    cancelling = await world.operations.steer(acme.id, operation.id, Verb.CANCEL)
    await world.operate(2)
    world.sandbox.change({"statements": "ok"})
    await world.run(minutes=2)

    assert cancelling is not None
    assert cancelling.state is State.CANCELLING
    assert (await state(world, operation)).state is State.CANCELLED
    assert world.delivered == [live.id]
    assert await states(world, acme, a_statement(1), live) == [
        (ReceiptState.DELIVERED, 1),
        (ReceiptState.DELIVERED, 2),
    ]


async def test_what_an_operator_threw_away_can_be_replayed(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": 503})
    posted = statements(4)
    await world.post(acme, *posted)
    await world.control.purge(acme.id)
    world.sandbox.change({"statements": "ok"})
    await world.run(seconds=1)

    await replay(world, acme, outcome=EndedAs.DISCARDED)
    await world.operate(2)
    await world.run(minutes=2)

    assert world.delivered == ids(posted)


async def test_a_replay_of_what_was_replayed_before_knows_one_sending_from_another(
    world: World,
) -> None:
    acme = await delivered(world, 5)
    await replay(world, acme, since=START)
    await world.operate(2)
    await world.run(minutes=1)
    world.sandbox.lrs.forget()

    again = await replay(world, acme, since=START)
    await world.operate(3)

    # Each ended twice in that time, and goes out once.
    assert (again.total, (await state(world, again)).done) == (10, 5)
    assert world.delivered == ids(statements(5))


async def test_parked_statements_are_released_by_status(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": {"mode": "status", "status": 400}})
    await world.post(acme, *statements(3))
    world.sandbox.change({"statements": {"mode": "status", "status": 422}})
    await world.post(acme, *statements(4, start=10))
    world.sandbox.change({"statements": "ok"})

    preview = await world.operations.preview(acme.id, Kind.RELEASE, Selection(status=422))
    operation = await world.operations.begin(acme.id, Kind.RELEASE, Selection(status=422), by="ann")
    await world.operate(2)

    assert preview.count.statements == 4
    assert world.delivered == ids(statements(4, start=10))
    assert (await world.health(acme)).parked == 3
    ended = await state(world, operation)
    assert (ended.state, ended.done) == (State.DONE, 4)


async def test_parked_statements_are_discarded_by_the_time_of_their_parking(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "CHUNK", 2)
    monkeypatch.setattr("delivery.operations.COUNTED_AT_ONCE", 2)
    acme = await world.add()
    world.sandbox.change({"statements": 400})
    await world.post(acme, *statements(5))
    await world.run(hours=1)
    await world.post(acme, *statements(2, start=10))

    operation = await world.operations.begin(
        acme.id, Kind.DISCARD, Selection(until=START + timedelta(hours=1)), by="ann"
    )
    await world.operate(5)

    assert (await state(world, operation)).done == 5
    assert await states(world, acme, a_statement(1), a_statement(10)) == [
        (ReceiptState.DISCARDED, 1),
        (ReceiptState.PARKED, 1),
    ]


async def test_what_is_parked_after_a_release_began_stays_parked(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": 400})
    await world.post(acme, a_statement(1))
    operation = await world.operations.begin(acme.id, Kind.RELEASE, Selection(), by="ann")
    await world.post(acme, a_statement(2))

    await world.operate(3)

    # The first was tried again, and parked again, behind the second.
    assert (await state(world, operation)).done == 1
    assert await states(world, acme, a_statement(1), a_statement(2)) == [
        (ReceiptState.PARKED, 2),
        (ReceiptState.PARKED, 1),
    ]


async def test_a_cancelled_release_stops_where_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "CHUNK", 2)
    acme = await world.add()
    world.sandbox.change({"statements": 400})
    await world.post(acme, *statements(6))
    operation = await world.operations.begin(acme.id, Kind.RELEASE, Selection(), by="ann")

    ended = await world.operations.steer(acme.id, operation.id, Verb.CANCEL)
    await world.operate(3)

    assert ended is not None
    assert (ended.state, ended.done) == (State.CANCELLED, 0)
    assert (await world.health(acme)).parked == 6


async def test_nothing_is_begun_when_nothing_is_meant(world: World) -> None:
    acme = await delivered(world, 1)

    for kind in Kind:
        with pytest.raises(NothingMeant):
            await world.operations.begin(acme.id, kind, Selection(status=418), by="ann")

    assert await world.operations.list(acme.id) == ([], None)


async def test_an_integration_that_is_deleted_takes_its_operations_along(world: World) -> None:
    acme = await delivered(world, 5)
    operation = await replay(world, acme, since=START)

    await world.control.remove(acme.id, discard=True)
    await world.operate(2)

    assert await world.operations.find(acme.id, operation.id) is None
    assert await world.store.ask(("ZCARD", OPERATIONS)) == [0]
    with pytest.raises(UnknownIntegration):
        await world.operation_store.open(operation)


async def test_a_redis_that_is_nearly_full_has_no_room_for_replays(world: World) -> None:
    acme = await delivered(world, 5)
    operation = await replay(world, acme, since=START)

    used = (await world.redis.info("memory"))["used_memory"]
    try:
        await world.redis.config_set("maxmemory", int(used * 1.08))
        await world.headroom.look()
        await world.operate(2)
        short = await state(world, operation)
    finally:
        await world.redis.config_set("maxmemory", 0)
    await world.headroom.look()
    await world.operate(2)

    assert (short.state, short.done) == (State.RUNNING, 0)
    assert (await state(world, operation)).done == 5


async def test_operations_are_listed_newest_first_in_pages(world: World) -> None:
    acme = await delivered(world, 1)
    begun = []
    for _ in range(3):
        begun.append((await replay(world, acme, since=START)).id)
        await world.run(minutes=1)

    first, cursor = await world.operations.list(acme.id, limit=2)
    second, end = await world.operations.list(acme.id, limit=2, before=cursor)

    assert [one.id for one in (*first, *second)] == begun[::-1]
    assert end is None


async def test_steering_what_has_ended_changes_nothing(world: World) -> None:
    acme = await delivered(world, 1)
    operation = await replay(world, acme, since=START)
    await world.operate(2)

    for verb in (Verb.PAUSE, Verb.RESUME, Verb.CANCEL):
        after = await world.operations.steer(acme.id, operation.id, verb)
        assert after is not None
        assert after.state is State.DONE

    unknown = OperationId("nothing")
    assert await world.operations.steer(acme.id, unknown, Verb.PAUSE) is None
    assert await world.operations.find(IntegrationId("bolt"), operation.id) is None


async def test_a_preview_says_how_long_it_would_take_at_the_last_pace(world: World) -> None:
    acme = await delivered(world, 40)
    fresh = await world.add("bolt")

    known = await world.operations.preview(acme.id, Kind.REPLAY, Selection(), lines=2)
    unknown = await world.operations.preview(fresh.id, Kind.REPLAY, Selection())

    assert known.count.statements == 40
    assert known.count.size == sum(len(s.body) for s in statements(40))
    assert known.takes is not None
    assert unknown.takes is None
    assert unknown.count.statements == 0


async def test_a_replay_waits_out_an_outage_like_everything_else(world: World) -> None:
    acme = await delivered(world, 3)
    world.sandbox.change({"statements": 503})

    await replay(world, acme, since=START)
    await world.operate(2)
    await world.run(hours=3)
    down = await world.health(acme)
    world.sandbox.change({"statements": "ok"})
    await world.run(minutes=1)

    assert (down.status, down.queued) == (Status.DOWN, 3)
    assert down.oldest_queued_at is not None
    assert down.oldest_queued_at > START + timedelta(minutes=1)
    assert world.delivered == ids(statements(3))
