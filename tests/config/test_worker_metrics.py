"""A worker's own door: open when the loop works, and when it does not."""

import asyncio
import threading

import httpx
import pytest

from config import worker_metrics
from config.errors import AddressInUse
from config.listening import free_port
from config.worker_metrics import Numbers, serving

HOST = "127.0.0.1"


async def text() -> str:
    return "hub_workers 1\n"


async def get(port: int, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://{HOST}:{port}{path}")


async def test_the_numbers_of_the_hub_and_of_the_process_are_served() -> None:
    numbers = Numbers(asyncio.get_running_loop(), text)

    with serving(HOST, free_port(HOST), numbers) as port:
        answer = await get(port, "/metrics")
        alive = await get(port, "/healthz")
        missing = await get(port, "/")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "hub_workers 1" in answer.text
    assert "process_resident_memory_bytes" in answer.text
    assert "hub_process_stalled 0.0" in answer.text
    assert (alive.status_code, missing.status_code) == (200, 404)


def test_a_loop_that_stands_still_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_metrics, "PATIENCE_SECONDS", 0.05)
    loop = asyncio.new_event_loop()
    running = threading.Thread(target=loop.run_forever)
    running.start()
    stuck, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        stuck.set()
        go_on.wait()

    loop.call_soon_threadsafe(hang)
    stuck.wait()
    with (
        serving(HOST, free_port(HOST), Numbers(loop, text)) as port,
        httpx.Client(trust_env=False) as client,
    ):
        answer = client.get(f"http://{HOST}:{port}/metrics")
        alive = client.get(f"http://{HOST}:{port}/healthz")
    go_on.set()
    loop.call_soon_threadsafe(loop.stop)
    running.join()
    loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop), return_exceptions=True))
    loop.close()

    assert "hub_process_stalled 1.0" in answer.text
    assert "hub_workers" not in answer.text
    assert alive.status_code == 503


async def test_several_workers_of_one_host_find_a_port_each() -> None:
    numbers = Numbers(asyncio.get_running_loop(), text)
    first = free_port(HOST)

    with serving(HOST, first, numbers) as one, serving(HOST, first, numbers) as two:
        answers = [await get(port, "/healthz") for port in (one, two)]

    assert one == first
    assert two > first
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_no_free_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_metrics, "PORTS", 1)
    numbers = Numbers(asyncio.get_running_loop(), text)

    with (
        serving(HOST, free_port(HOST), numbers) as taken,
        pytest.raises(AddressInUse, match=str(taken)),
        serving(HOST, taken, numbers),
    ):
        pytest.fail("two cannot have one port")
