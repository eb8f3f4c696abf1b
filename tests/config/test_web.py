import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import FastAPI

from config import web, web_house
from config.errors import AddressInUse
from config.listening import listen
from config.settings import Settings
from tests.waiting import until

STANDING_ALONE = """
import asyncio, sys
from contextlib import asynccontextmanager
from fastapi import FastAPI
from config import web, web_house
from config.settings import Settings

@asynccontextmanager
async def open_web(_):
    yield FastAPI()
    print("closed", flush=True)

web_house.open_web = open_web
web.main(Settings(port=int(sys.argv[1])))
"""


@dataclass
class Stores:
    """What the app stands on: opened before it, closed after it."""

    diary: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def open_web(self, _: Settings) -> AsyncIterator[FastAPI]:
        app = FastAPI()

        @app.get("/slow")
        async def slow() -> str:
            self.asked.set()
            await self.answer.wait()
            self.diary.append("answered")
            return "done"

        self.diary.append("opened")
        yield app
        self.diary.append("closed")


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    stores = Stores()
    monkeypatch.setattr(web_house, "open_web", stores.open_web)
    return stores


async def test_what_was_begun_is_answered_before_the_stores_close(
    stores: Stores, unused_tcp_port: int
) -> None:
    serving = asyncio.create_task(web.serve(Settings(port=unused_tcp_port)))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}") as client:
        await until(lambda: stores.diary == ["opened"])
        begun = asyncio.create_task(client.get("/slow"))
        await stores.asked.wait()

        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: not accepts(unused_tcp_port), what="the refusal of new connections")
        ended, _ = await asyncio.wait({serving}, timeout=0.3)
        assert not ended
        stores.answer.set()

        assert (await begun).json() == "done"
    await serving
    assert stores.diary == ["opened", "answered", "closed"]


async def test_a_second_signal_does_not_wait_for_answers(
    stores: Stores, unused_tcp_port: int
) -> None:
    serving = asyncio.create_task(web.serve(Settings(port=unused_tcp_port)))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}") as client:
        await until(lambda: stores.diary == ["opened"])
        begun = asyncio.create_task(client.get("/slow"))
        await stores.asked.wait()

        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: not accepts(unused_tcp_port), what="the refusal of new connections")
        os.kill(os.getpid(), signal.SIGTERM)

        await serving
        stores.answer.set()
        await asyncio.gather(begun, return_exceptions=True)
    assert stores.diary[:2] == ["opened", "closed"]


async def test_nothing_is_opened_when_the_address_is_taken(
    stores: Stores, unused_tcp_port: int
) -> None:
    with listen("127.0.0.1", unused_tcp_port), pytest.raises(AddressInUse):
        await web.serve(Settings(port=unused_tcp_port))

    assert stores.diary == []


def accepts(port: int) -> bool:
    try:
        listen("127.0.0.1", port).close()
    except AddressInUse:
        return True
    return False


async def test_a_signal_ends_the_process_with_success_and_closed_stores(
    unused_tcp_port: int,
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STANDING_ALONE, str(unused_tcp_port), stdout=PIPE
    )
    await until(lambda: accepts(unused_tcp_port), within=20)
    async with httpx.AsyncClient() as client:
        await client.get(f"http://127.0.0.1:{unused_tcp_port}/")

    process.terminate()
    out, _ = await process.communicate()

    assert (process.returncode, out) == (0, b"closed\n")
