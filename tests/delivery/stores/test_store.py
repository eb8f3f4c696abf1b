"""What Redis says when it cannot, in our own words; and what is a bug stays one."""

import pytest
from redis.exceptions import (
    BusyLoadingError,
    DataError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from delivery.facts.errors import StoreFull, StoreUnavailable
from delivery.stores import scripts
from delivery.stores.keys import Keys
from delivery.stores.store import Call, Store, translate, translated
from tests.fakes.registry import an_integration

KEYS = Keys(an_integration().id)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (RedisConnectionError("closed"), StoreUnavailable),
        (RedisTimeoutError("slow"), StoreUnavailable),
        (BusyLoadingError("LOADING"), StoreUnavailable),
        (ReadOnlyError("a replica"), StoreUnavailable),
        (ResponseError("MISCONF cannot persist"), StoreUnavailable),
        (ResponseError("NOREPLICAS not enough"), StoreUnavailable),
        (OSError("no route"), StoreUnavailable),
        (TimeoutError(), StoreUnavailable),
        (OutOfMemoryError("maxmemory"), StoreFull),
        (ResponseError("script: -OOM command not allowed"), StoreFull),
    ],
    ids=str,
)
def test_what_redis_cannot_do_is_said_in_our_words(
    error: Exception, ours: type[StoreUnavailable]
) -> None:
    assert type(translate(error)) is ours
    with pytest.raises(ours), translated():
        raise error


@pytest.mark.parametrize(
    "bug",
    [ResponseError("WRONGTYPE"), DataError("None"), RuntimeError("a bug"), ValueError("another")],
    ids=str,
)
def test_what_is_a_bug_stays_one(bug: Exception) -> None:
    assert translate(bug) is bug
    with pytest.raises(type(bug)), translated():
        raise bug


async def test_of_calls_that_travel_together_each_has_its_own_result(store: Store) -> None:
    await store.ask(("SET", KEYS.state, "not a hash"), ("SCRIPT", "FLUSH"))
    empty = Keys(an_integration("bolt").id)

    wrong, right = await store.run_all(
        [
            Call(scripts.RENEW, [keys.state, keys.lease, "due"], ["1", 0, "id", 10, 10])
            for keys in (KEYS, empty)
        ]
    )

    assert isinstance(wrong, ResponseError)
    assert right == 0
