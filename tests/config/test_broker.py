"""The doorbell on a real server: rings arrive at once, and waiting for them costs nothing."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import dramatiq
import pytest
import redis
from dramatiq.errors import BrokerConnectionError

from config.broker import COURTESY_SECONDS, Bell, BellBroker, courtesy, open_broker
from delivery.facts.doorbell import Work
from delivery.facts.integration import IntegrationId

QUEUE = Work.DRAIN.value


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(empty_valkey_url, socket_timeout=5) as opened:
        yield opened


@pytest.fixture
def broker(client: redis.Redis) -> BellBroker:
    opened = open_broker(client)
    dramatiq.actor(broker=opened, actor_name="delivery.drain", queue_name=QUEUE)(print)
    return opened


def ring(broker: BellBroker, *ids: str) -> None:
    bell = Bell(broker)
    bell.ring(Work.DRAIN, map(IntegrationId, ids))
    bell.close()


def until_someone_waits(client: redis.Redis) -> None:
    deadline = time.monotonic() + 5
    while client.info("clients")["blocked_clients"] == 0:
        assert time.monotonic() < deadline


def test_a_ring_is_answered_once(broker: BellBroker, client: redis.Redis) -> None:
    ring(broker, "a")
    consumer = broker.consume(QUEUE, prefetch=8)

    rung = next(consumer)
    assert rung is not None
    consumer.ack(rung)

    assert rung.args == (["a"],)
    assert client.llen(f"bell:{QUEUE}") == 0
    assert next(consumer) is None


def test_a_ring_for_several_is_cut_so_that_workers_can_share_it(
    broker: BellBroker, client: redis.Redis
) -> None:
    ring(broker, *"abcdefgh")

    shares = [broker.do_fetch(QUEUE, count=16) for _ in range(3)]

    assert [len(share) for share in shares] == [2, 1, 1]
    assert client.llen(f"bell:{QUEUE}") == 0


def test_a_worker_that_leaves_takes_no_ring(broker: BellBroker, client: redis.Redis) -> None:
    ring(broker, "a")

    broker.leave()

    assert broker.do_fetch(QUEUE, count=8) == []
    assert client.llen(f"bell:{QUEUE}") == 1


def test_the_busier_a_worker_the_longer_it_leaves_rings_to_others() -> None:
    waits = [courtesy(busy) for busy in (0, 1, 4, 8, 100, 2000)]

    assert waits == sorted(waits)
    assert waits[0] == 0
    assert waits[3] == COURTESY_SECONDS / 2
    assert waits[-1] < COURTESY_SECONDS


def test_waiting_for_rings_writes_nothing(broker: BellBroker, client: redis.Redis) -> None:
    consumer = broker.consume(QUEUE, prefetch=8)

    assert next(consumer) is None

    assert client.dbsize() == 0


def test_a_ring_ends_the_wait_at_once(broker: BellBroker, client: redis.Redis) -> None:
    consumer = broker.consume(QUEUE, prefetch=8)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(next, consumer)
        until_someone_waits(client)
        began = time.monotonic()

        ring(broker, "a")
        rung = waiting.result(timeout=5)

    assert rung is not None
    assert time.monotonic() - began < 0.5


def test_rings_reach_each_of_two_workers_that_wait(
    broker: BellBroker, empty_valkey_url: str
) -> None:
    with redis.Redis.from_url(empty_valkey_url, socket_timeout=5) as second:
        consumers = [c.consume(QUEUE, prefetch=1) for c in (broker, open_broker(second))]
        ring(broker, "a")
        ring(broker, "b")

        rings = [next(consumer) for consumer in consumers]

    assert sorted(rung.args[0][0] for rung in rings if rung) == ["a", "b"]


def test_a_redis_that_answers_too_late_is_taken_for_one_that_is_away(
    broker: BellBroker, client: redis.Redis, empty_valkey_url: str
) -> None:
    with redis.Redis.from_url(empty_valkey_url, socket_timeout=0.05) as hasty:
        ring(broker, "a")
        consumer = open_broker(hasty).consume(QUEUE, prefetch=1)
        rung = next(consumer)
        assert rung is not None
        client.client_pause(500)

        with pytest.raises(BrokerConnectionError):
            consumer.ack(rung)
