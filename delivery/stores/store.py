"""The one door to Redis: runs the scripts, and translates what Redis says when it cannot."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis.asyncio as aioredis
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from delivery.facts.errors import StoreFull, StoreUnavailable
from delivery.stores.scripts import ALL, Script

Argument = str | bytes | int | float
Command = Sequence[Argument]
Reply = list["Reply"] | bytes | int | None

CUT_OFF = "the handler is closed"
"""What uvloop says, as a RuntimeError, of a write on a connection that was cut while idle."""
CANNOT_WRITE = ("MISCONF", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "NOREPLICAS", "UNBLOCKED")


@contextmanager
def translated() -> Iterator[None]:
    """Turn Redis being away or full into our own errors; any other error is a bug and stays one."""
    try:
        yield
    except (RedisError, OSError, TimeoutError, RuntimeError) as error:
        raise translate(error) from error


def translate(error: Exception) -> Exception:
    """Give our error for one of Redis', or the same one back if it is a bug."""
    match error:
        case OutOfMemoryError():
            return StoreFull("Redis has no memory left for more statements")
        case RedisConnectionError() | RedisTimeoutError() | ReadOnlyError():
            return StoreUnavailable(f"Redis cannot be reached: {error}")
        case ResponseError() if str(error).startswith(CANNOT_WRITE):
            return StoreUnavailable(f"Redis cannot write: {error}")
        case ResponseError() if "OOM" in str(error):
            return StoreFull("Redis has no memory left for more statements")
        case OSError():
            return StoreUnavailable(f"Redis cannot be reached: {error}")
        case RuntimeError() if CUT_OFF in str(error):
            return StoreUnavailable(f"Redis cannot be reached: {error}")
        case _:
            return error


class Call:
    """One script with its keys and arguments, ready to be run."""

    __slots__ = ("arguments", "key_count", "script")

    def __init__(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> None:
        self.script = script
        self.key_count = len(keys)
        self.arguments: Sequence[Argument] = (*keys, *arguments)


class Store:
    """Redis, as the rest of delivery uses it."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self.redis = redis

    async def run(self, script: Script, keys: Sequence[str], *arguments: Argument) -> Reply:
        """Run one script. Raises StoreUnavailable or StoreFull; then nothing was done, or all."""
        reply = (await self.run_all([Call(script, keys, arguments)]))[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def run_all(self, calls: Sequence[Call]) -> list[Reply | Exception]:
        """Run many scripts in one round trip; each has its own result, or its own error."""
        with translated():
            replies = await self._send(calls)
            unknown = [n for n, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if unknown:
                await self._load()
                again = await self._send([calls[n] for n in unknown])
                for n, reply in zip(unknown, again, strict=True):
                    replies[n] = reply
        return [translate(r) if isinstance(r, Exception) else r for r in replies]

    async def ask(self, *commands: Command, atomic: bool = False) -> list[Any]:
        """Run plain commands in one round trip; `atomic` lets no other client come between."""
        with translated():
            return await self._exchange(commands, atomic=atomic)

    async def entries(
        self, key: str, *, before: str = "+", limit: int
    ) -> list[tuple[str, dict[bytes, bytes]]]:
        """Give the newest entries of a stream, newest first, with their places."""
        found = await self.ask(("XREVRANGE", key, before, "-", "COUNT", limit))
        return [(place.decode(), fields) for place, fields in found[0]]

    async def _send(self, calls: Sequence[Call]) -> list[Reply | Exception]:
        commands = [("EVALSHA", c.script.digest, c.key_count, *c.arguments) for c in calls]
        return await self._exchange(commands, raise_on_error=False)

    async def _exchange(
        self, commands: Sequence[Command], *, atomic: bool = False, raise_on_error: bool = True
    ) -> list[Any]:
        while True:
            try:
                async with self.redis.pipeline(transaction=atomic) as pipe:
                    for command in commands:
                        pipe.execute_command(*command)
                    replies: list[Any] = await pipe.execute(raise_on_error)
            except RuntimeError as error:
                # The pool does not see that an idle connection was reset. Nothing has been sent,
                # and the dead one is replaced: this ends, with an answer or with no connection.
                if CUT_OFF not in str(error):
                    raise
            else:
                return replies

    async def _load(self) -> None:
        # A restarted or flushed Redis has forgotten the scripts; this happens once each time.
        for script in ALL:
            await self.redis.script_load(script.text)
