"""What upstream hands in arrives, whatever the other side does."""

import pytest

from delivery.facts.errors import (
    QueueFull,
    StatementConflict,
    StatementsWaiting,
    UnknownIntegration,
)
from delivery.facts.status import Status
from delivery.stores.keys import Keys
from delivery.stores.receipts import ReceiptState
from tests.fakes.statements import a_statement, ids, statements
from tests.journeys.world import START, World


async def test_a_statement_reaches_the_lrs_byte_for_byte(world: World) -> None:
    acme = await world.add()
    statement = a_statement()

    await world.post(acme, statement)

    assert world.sandbox.lrs.body(statement.id) == statement.body
    receipt = await world.receipt(acme, statement)
    assert (receipt.state, receipt.attempts) == (ReceiptState.DELIVERED, 1)
    assert receipt.delivered_at == START


async def test_statements_arrive_in_the_order_they_were_accepted(world: World) -> None:
    acme = await world.add()
    posted = statements(300)

    await world.post(acme, *posted)

    assert world.delivered == ids(posted)
    assert world.sandbox.lrs.attempts == 300


async def test_the_same_statement_again_is_a_duplicate_and_is_not_sent_again(world: World) -> None:
    acme = await world.add()
    await world.post(acme, a_statement(1))

    taken = await world.post(acme, a_statement(1), a_statement(2))

    assert taken.duplicates == (a_statement(1).id,)
    assert taken.accepted == (a_statement(2).id,)
    assert world.sandbox.lrs.received == 2


async def test_a_known_id_with_other_content_is_a_conflict_and_takes_nothing(world: World) -> None:
    acme = await world.add()
    await world.post(acme, a_statement(1))

    with pytest.raises(StatementConflict) as conflict:
        await world.post(acme, a_statement(2), a_statement(1, timestamp="2026-03-01T00:00:00Z"))

    assert conflict.value.ids == (a_statement(1).id,)
    assert (await world.control.receipt(acme.id, a_statement(2).id)) is None


async def test_a_full_queue_takes_nothing_more(world: World) -> None:
    acme = await world.add(enabled=False)
    world.intake._max_queue = 3  # noqa: SLF001 - smaller than any setting allows

    await world.post(acme, *statements(3))
    with pytest.raises(QueueFull):
        await world.post(acme, a_statement(4))

    assert (await world.health(acme)).queued == 3


async def test_an_outage_of_seven_days_loses_nothing_and_sends_nothing_twice(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": 503})
    posted = statements(500)
    await world.post(acme, *posted[:100])

    for day in range(4):
        await world.run(days=1)
        await world.post(acme, *posted[100 + 100 * day : 200 + 100 * day])
    await world.run(days=3)
    attempts = world.sandbox.lrs.attempts
    world.sandbox.change({"statements": "ok"})
    await world.run(seconds=60)

    assert attempts == 7 * 24 * 60 + 1
    assert world.delivered == ids(posted)
    assert world.sandbox.lrs.received == 500
    health = await world.health(acme)
    assert (health.status, health.queued) == (Status.FLOWING, 0)


async def test_while_down_one_statement_is_tried_every_sixty_seconds(world: World) -> None:
    acme = await world.add(batch_size=50, concurrency=4)
    world.sandbox.change({"statements": 500})
    await world.post(acme, *statements(1000))
    before = world.sandbox.lrs.attempts

    await world.run(minutes=10)

    probes = world.sandbox.log.entries()[: world.sandbox.lrs.attempts - before]
    assert len([p for p in probes if p.endpoint == "statements"]) == 10
    assert {p.count for p in probes} == {1}
    health = await world.health(acme)
    assert health.status is Status.DOWN
    assert health.reason is not None
    assert health.reason.startswith("HTTP 500")


async def test_what_arrives_while_down_waits_for_the_probe(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": 503})
    await world.post(acme, a_statement(1))

    await world.post(acme, a_statement(2), a_statement(3))

    assert world.sandbox.lrs.attempts == 1


async def test_a_refused_queue_waits_until_credentials_change(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": 403})
    posted = statements(20)
    await world.post(acme, *posted[:10])
    await world.run(hours=48)
    await world.post(acme, *posted[10:])
    assert world.sandbox.lrs.attempts == 1
    assert (await world.health(acme)).status is Status.REFUSED

    world.sandbox.change({"statements": "ok"})
    await world.run(hours=1)
    assert world.sandbox.lrs.attempts == 1
    await world.change(acme)

    assert world.delivered == ids(posted)
    assert (await world.health(acme)).status is Status.FLOWING


async def test_a_name_only_edit_releases_nothing(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": {"mode": "status", "status": 403, "times": 1}})
    await world.post(acme, a_statement(1))

    await world.rename(acme, name="another name", technical_emails=("new@acme.example",))
    await world.run(hours=48)

    assert world.sandbox.lrs.attempts == 1
    assert (await world.health(acme)).status is Status.REFUSED


async def test_a_refused_statement_is_parked_and_the_queue_goes_on(world: World) -> None:
    acme = await world.add()
    posted = statements(10)
    world.sandbox.change({"rejectStatements": [posted[3].id]})

    await world.post(acme, *posted)
    await world.run(hours=48)

    assert world.delivered == ids([*posted[:3], *posted[4:]])
    health = await world.health(acme)
    assert (health.queued, health.parked, health.status) == (0, 1, Status.FLOWING)
    parked = (await world.control.parked(acme.id)).items
    assert parked[0].statement_id == posted[3].id
    assert parked[0].status == 400
    assert (await world.receipt(acme, posted[3])).state is ReceiptState.PARKED
    assert world.sandbox.lrs.attempts == 10


async def test_parked_statements_go_by_themselves_when_the_integration_is_updated(
    world: World,
) -> None:
    acme = await world.add()
    posted = statements(30)
    world.sandbox.change({"rejectStatements": ids(posted[:5])})
    await world.post(acme, *posted[:20])
    world.sandbox.change({"rejectStatements": [], "statements": 503})
    await world.post(acme, *posted[20:])
    world.sandbox.change({"statements": "ok"})

    await world.change(acme)

    assert world.delivered == ids([*posted[5:20], *posted[:5], *posted[20:]])
    assert (await world.health(acme)).parked == 0
    assert (await world.receipt(acme, posted[0])).attempts == 2


async def test_a_statement_refused_again_is_parked_again_with_the_new_version(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"rejectStatements": [a_statement(1).id]})
    await world.post(acme, a_statement(1))

    await world.change(acme)
    await world.run(hours=1)

    parked = (await world.control.parked(acme.id)).items
    assert [p.version for p in parked] == [2]
    assert world.sandbox.lrs.attempts == 2


async def test_one_bad_statement_in_a_batch_of_fifty_stands_alone(world: World) -> None:
    acme = await world.add(batch_size=50)
    posted = statements(50)
    world.sandbox.change({"rejectStatements": [posted[31].id]})

    await world.post(acme, *posted)

    assert world.delivered == ids([*posted[:31], *posted[32:]])
    assert (await world.receipt(acme, posted[31])).state is ReceiptState.PARKED
    assert (await world.health(acme)).parked == 1
    assert world.sandbox.lrs.attempts <= 13


async def test_a_batch_too_large_is_halved_by_bytes_and_the_size_remembered(world: World) -> None:
    acme = await world.add(batch_size=50)
    posted = statements(400)
    world.sandbox.change({"maxBody": 4000})

    await world.post(acme, *posted[:200])
    first = world.sandbox.lrs.attempts
    await world.post(acme, *posted[200:])

    assert world.delivered == ids(posted)
    assert world.sandbox.lrs.attempts - first < first
    assert all(e.status == 200 for e in world.sandbox.log.entries()[:10])


async def test_retry_after_is_honoured(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": {"mode": "status", "status": 429, "retryAfter": 300}})
    await world.post(acme, a_statement(1))
    world.sandbox.change({"statements": "ok"})

    await world.run(seconds=299)
    assert world.delivered == []
    await world.run(seconds=1)

    assert world.delivered == [a_statement(1).id]


@pytest.mark.parametrize(("asked", "waited"), [(1, 60), (86400, 3600)])
async def test_retry_after_is_kept_within_bounds(world: World, asked: int, waited: int) -> None:
    acme = await world.add()
    switch = {"mode": "status", "status": 503, "retryAfter": asked, "times": 1}
    world.sandbox.change({"statements": switch})
    await world.post(acme, a_statement(1))

    await world.run(seconds=waited - 1)
    assert world.delivered == []
    await world.run(seconds=1)

    assert world.delivered == [a_statement(1).id]


async def test_a_conflict_after_a_lost_answer_means_delivered(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": {"mode": "apply_then_reset", "times": 1}})
    await world.post(acme, a_statement(1))
    assert (await world.health(acme)).status is Status.DOWN
    world.sandbox.change({"statements": {"mode": "status", "status": 409, "times": 1}})

    await world.run(seconds=60)

    assert (await world.receipt(acme, a_statement(1))).state is ReceiptState.DELIVERED
    health = await world.health(acme)
    assert (health.status, health.parked, health.queued) == (Status.FLOWING, 0, 0)


async def test_a_conflict_on_the_first_attempt_is_parked(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": {"mode": "status", "status": 409, "times": 1}})

    await world.post(acme, a_statement(1))

    parked = (await world.control.parked(acme.id)).items
    assert parked[0].status == 409


async def test_disabled_while_down_it_is_silent_and_enabled_again_it_drains(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": 503})
    posted = statements(5)
    await world.post(acme, *posted[:3])

    await world.rename(acme, enabled=False)
    await world.run(hours=5)
    await world.post(acme, *posted[3:])
    assert world.sandbox.lrs.attempts == 1
    health = await world.health(acme)
    assert (health.status, health.queued) == (Status.DISABLED, 5)
    world.sandbox.change({"statements": "ok"})
    await world.rename(acme, enabled=True)

    assert world.delivered == ids(posted)


async def test_an_update_while_disabled_sends_nothing(world: World) -> None:
    acme = await world.add(enabled=False)
    await world.post(acme, a_statement(1))

    await world.change(acme)
    await world.run(hours=1)

    assert world.sandbox.lrs.attempts == 0
    assert (await world.health(acme)).status is Status.DISABLED


async def test_an_integration_with_statements_is_deleted_only_when_that_is_said(
    world: World,
) -> None:
    acme = await world.add(enabled=False)
    await world.post(acme, *statements(3))

    with pytest.raises(StatementsWaiting) as waiting:
        await world.control.remove(acme.id, discard=False)
    assert waiting.value.count == 3
    assert (await world.health(acme)).queued == 3
    assert await world.control.remove(acme.id, discard=True) == 3

    await world.control.apply(acme)
    assert await world.redis.keys(f"*{acme.id}*") == [Keys(acme.id).state.encode()]
    assert await world.redis.pttl(Keys(acme.id).state) <= 60_000
    with pytest.raises(UnknownIntegration):
        await world.intake.accept(acme.id, [a_statement(4)])


async def test_an_address_that_may_not_be_reached_refuses_the_integration(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": {"mode": "status", "status": 301}})

    await world.post(acme, a_statement(1))

    assert (await world.health(acme)).status is Status.REFUSED


async def test_released_by_hand_a_parked_statement_goes_again(world: World) -> None:
    acme = await world.add()
    posted = statements(6)
    world.sandbox.change({"rejectStatements": ids(posted[:4])})
    await world.post(acme, *posted)
    world.sandbox.change({"rejectStatements": []})

    assert await world.control.release(acme.id, [posted[2].id]) == 1
    await world.settle()
    assert world.delivered == ids([*posted[4:], posted[2]])
    assert await world.control.release(acme.id, None) == 3
    await world.settle()

    assert world.delivered == ids([*posted[4:], posted[2], posted[0], posted[1], posted[3]])


async def test_released_by_hand_and_refused_again_it_is_tried_once(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"rejectStatements": [a_statement(1).id]})
    await world.post(acme, a_statement(1))

    await world.control.release(acme.id, None)
    await world.run(hours=1)

    assert world.sandbox.lrs.attempts == 2
    assert (await world.health(acme)).parked == 1


async def test_discarded_statements_are_gone_and_their_receipts_say_so(world: World) -> None:
    acme = await world.add()
    posted = statements(5)
    world.sandbox.change({"rejectStatements": ids(posted)})
    await world.post(acme, *posted)

    assert await world.control.discard(acme.id, [posted[0].id]) == 1
    assert await world.control.discard(acme.id, None) == 4

    assert (await world.health(acme)).parked == 0
    assert (await world.receipt(acme, posted[4])).state is ReceiptState.DISCARDED


async def test_a_purged_queue_is_empty_and_new_statements_flow(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": 503})
    await world.post(acme, *statements(5))

    assert await world.control.purge(acme.id) == 5
    world.sandbox.change({"statements": "ok"})
    await world.run(seconds=60)
    await world.post(acme, a_statement(6))
    await world.run(seconds=60)

    assert world.delivered == [a_statement(6).id]
    assert (await world.receipt(acme, a_statement(1))).state is ReceiptState.DISCARDED


async def test_every_attempt_is_in_the_journal_with_its_answer(world: World) -> None:
    acme = await world.add()
    world.sandbox.change(
        {"statements": {"mode": "status", "status": 503, "body": "back at noon", "times": 1}}
    )
    await world.post(acme, a_statement(1))
    await world.run(seconds=60)

    attempts, _ = await world.control.attempts(acme.id)

    assert [(a.outcome, a.status) for a in attempts] == [("accepted", 200), ("unavailable", 503)]
    assert attempts[1].answer == "back at noon"
    failed, _ = await world.control.attempts(acme.id, outcome="unavailable")
    assert len(failed) == 1


async def test_a_lost_ring_is_made_up_for_by_the_clock(world: World) -> None:
    acme = await world.add()
    await world.intake.accept(acme.id, [a_statement(1)])
    world.rings.clear()

    await world.run(seconds=5)

    assert world.delivered == [a_statement(1).id]


async def test_the_sweep_finds_what_is_in_no_index(world: World) -> None:
    acme = await world.add()
    await world.intake.accept(acme.id, [a_statement(1)])
    world.rings.clear()
    await world.redis.delete("hub:due")

    await world.heartbeat.sweep(world.now)
    await world.run(seconds=1)

    assert world.delivered == [a_statement(1).id]


async def test_an_update_that_delivery_never_heard_of_is_found_by_the_sweep(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": {"mode": "status", "status": 403, "times": 1}})
    await world.post(acme, a_statement(1))
    world.registry.put(
        world.registry.integrations[acme.id].__class__(
            **{f: getattr(acme, f) for f in acme.__slots__} | {"version": 2, "revision": 2}
        )
    )

    await world.heartbeat.sweep(world.now)
    await world.run(seconds=1)

    assert world.delivered == [a_statement(1).id]
