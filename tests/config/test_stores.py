import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from config.errors import BadSettings, StoreAway, UnsafeStore
from config.sentinel import SentinelAddress, read_sentinel
from config.settings import Settings
from config.stores import Weight, check_durability, locate, open_broker_redis, open_redis
from config.valkey import EmbeddedValkey


@asynccontextmanager
async def told(url: str, **config: str) -> AsyncIterator[Redis]:
    """Change the server's configuration, and change it back."""
    redis = open_redis(url)
    before = {name: str((await redis.config_get(name))[name]) for name in config}
    for name, value in config.items():
        await redis.config_set(name, value)
    yield redis
    for name, value in before.items():
        await redis.config_set(name, value)
    await redis.aclose()


async def test_the_broker_lives_in_the_database_next_door(empty_valkey_url: str) -> None:
    redis, broker = open_redis(empty_valkey_url), open_broker_redis(empty_valkey_url)
    broker.set("ring", "1")
    next_door = Redis.from_url(f"{empty_valkey_url}?db=1")

    assert await redis.dbsize() == 0
    assert await next_door.dbsize() == 1

    broker.close()
    await redis.aclose()
    await next_door.aclose()


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("redis://host", 1),
        ("redis://u:p%40w@host:1/3", 4),
        ("redis://host/0?db=2", 3),
        ("rediss://host:1/5?ssl_cert_reqs=none", 6),
        ("unix:///a%20b.sock", 1),
        ("unix://u:p@/a.sock?db=7", 8),
        ("redis+sentinel://one,two:1/name/4", 5),
    ],
)
def test_every_address_has_a_database_next_door(url: str, database: int) -> None:
    with open_broker_redis(url) as broker:
        assert broker.connection_pool.connection_kwargs["db"] == database


def test_a_password_reaches_the_broker_whole() -> None:
    with open_broker_redis("redis://u:p%40%2Fw@host:1/3") as broker:
        assert broker.connection_pool.connection_kwargs["password"] == "p@/w"


async def test_clients_wait_for_nobody_long_and_repeat_nothing(valkey_url: str) -> None:
    redis = open_redis(valkey_url)
    with open_broker_redis(valkey_url) as broker:
        for limits in (
            redis.connection_pool.connection_kwargs,
            broker.connection_pool.connection_kwargs,
        ):
            assert limits["socket_connect_timeout"] == 1
            assert limits["socket_timeout"] == 5
            assert limits["retry"].get_retries() == 0
    await redis.aclose()


async def test_a_server_that_is_away_is_noticed_at_once(unused_tcp_port: int) -> None:
    async with open_redis(f"redis://127.0.0.1:{unused_tcp_port}") as redis:
        async with asyncio.timeout(2):
            with pytest.raises(RedisConnectionError):
                await redis.ping()


async def test_a_command_that_hangs_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Greet as a server would, then fall silent.
        while said := await reader.read(1024):
            heard.append(said)
            writer.write(b"+OK\r\n" * said.count(b"SETINFO") + b"+PONG\r\n" * said.count(b"PING"))
        writer.close()

    monkeypatch.setattr("config.stores.SOCKET_SECONDS", 0.2)
    silent = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with open_redis(f"redis://127.0.0.1:{port}?protocol=2") as redis:
        with pytest.raises(RedisTimeoutError):
            await redis.incr("once")
    silent.close()

    assert b"".join(heard).count(b"INCR") == 1


async def test_a_server_that_would_evict_statements_is_refused(valkey_url: str) -> None:
    async with told(valkey_url, **{"maxmemory-policy": "allkeys-lru"}) as redis:
        with pytest.raises(UnsafeStore, match=r"allkeys-lru.*noeviction"):
            await check_durability(redis)


@pytest.mark.parametrize(
    ("config", "weight", "text"),
    [
        ({"maxmemory-policy": "volatile-ttl"}, Weight.WARNING, "volatile-ttl"),
        ({"appendonly": "no"}, Weight.WARNING, "appendonly is off"),
        ({"appendfsync": "no"}, Weight.WARNING, "appendfsync is no"),
        ({"appendfsync": "everysec"}, Weight.NOTE, "last second"),
    ],
)
async def test_a_server_that_may_forget_is_warned_of(
    valkey_url: str, config: dict[str, str], weight: Weight, text: str
) -> None:
    async with told(valkey_url, **{"appendfsync": "always", **config}) as redis:
        (finding,) = await check_durability(redis)

    assert finding.weight is weight
    assert text in finding.text


async def test_the_embedded_server_needs_no_warning(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    await server.start()

    async with open_redis(server.url) as redis:
        assert await check_durability(redis) == []

    await server.stop()


async def test_a_server_that_hides_its_configuration_is_asked_otherwise(valkey_url: str) -> None:
    async with open_redis(valkey_url) as redis:
        await redis.acl_setuser(
            "tenant",
            enabled=True,
            passwords=["+pw"],
            keys=["*"],
            categories=["+@all"],
            commands=["-config"],
        )
        async with told(valkey_url, **{"maxmemory-policy": "allkeys-lfu"}):
            tenant = open_redis(valkey_url.replace("unix://", "unix://tenant:pw@"))
            with pytest.raises(UnsafeStore):
                await check_durability(tenant)
        (finding,) = await check_durability(tenant)
        await tenant.aclose()
        await redis.acl_deluser("tenant")

    assert finding.weight is Weight.NOTE
    assert "how it writes to disk" in finding.text


def test_sentinels_are_read_from_the_address() -> None:
    assert read_sentinel("redis+sentinel://u:p%40@one:1,two/main/3") == SentinelAddress(
        (("one", 1), ("two", 26379)), "main", 3, "u", "p@"
    )


@pytest.mark.parametrize("rest", ["", "one:1", "one:x/main", "/main", "one:1/main/x"])
def test_an_address_of_sentinels_that_lacks_a_part_is_refused(rest: str) -> None:
    with pytest.raises(BadSettings, match="HUB_REDIS_URL"):
        read_sentinel(f"redis+sentinel://{rest}")


async def test_sentinels_are_asked_for_the_server(unused_tcp_port: int) -> None:
    url = f"redis+sentinel://127.0.0.1:{unused_tcp_port}/main/4"
    async with open_redis(url) as redis:
        with pytest.raises(RedisConnectionError, match="'main'"):
            await redis.ping()
    with open_broker_redis(url) as broker, pytest.raises(RedisConnectionError, match="'main'"):
        broker.ping()


def test_redis_is_where_the_settings_say(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis_url="redis://somewhere")

    assert locate(settings) == "redis://somewhere"


async def test_redis_is_else_the_server_on_the_data_folder(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    await server.start()

    assert locate(Settings(data_dir=tmp_path)) == server.url

    await server.stop()
    with pytest.raises(StoreAway, match="hub run"):
        locate(Settings(data_dir=tmp_path))
