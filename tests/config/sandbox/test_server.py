"""On real sockets: connections are really cut, closed and left hanging, and the server stops."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from config.sandbox.errors import CannotListen
from config.sandbox.server import Addresses, listening, serve
from config.sandbox.state import Sandbox
from tests.config.sandbox.caller import Caller, a_statement, an_id
from tests.config.sandbox.clock import StillClock

REQUEST = b"GET /xapi/statements HTTP/1.1\r\nHost: sandbox\r\n\r\n"


@pytest.fixture
async def at(sandbox: Sandbox) -> AsyncIterator[Addresses]:
    async with listening(sandbox, smtp_port=None) as addresses:
        yield addresses


@pytest.fixture
async def caller(at: Addresses) -> AsyncIterator[Caller]:
    async with httpx.AsyncClient(base_url=at.url, timeout=5) as http:
        caller = Caller(http)
        await caller.sign_in()
        yield caller


async def raw_answer(at: Addresses) -> bytes:
    reader, writer = await asyncio.open_connection(at.host, at.port)
    writer.write(REQUEST)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def test_statements_arrive_over_a_socket(caller: Caller, sandbox: Sandbox) -> None:
    answer = await caller.post(a_statement(1), a_statement(2))

    assert answer.json() == [an_id(1), an_id(2)]
    assert sandbox.lrs.held == 2


async def test_reset_cuts_the_connection(at: Addresses, sandbox: Sandbox) -> None:
    sandbox.change({"statements": "reset"})

    with pytest.raises(ConnectionResetError):
        await raw_answer(at)


async def test_close_ends_the_connection_in_order(at: Addresses, sandbox: Sandbox) -> None:
    sandbox.change({"statements": "close"})

    assert await raw_answer(at) == b""


async def test_silence_lasts_and_does_not_disturb_others(
    at: Addresses, caller: Caller, sandbox: Sandbox
) -> None:
    sandbox.change({"statements": {"mode": "silent", "times": 1}})

    silent = asyncio.create_task(raw_answer(at))
    await entries(sandbox, 2)
    other = await caller.post(a_statement())

    assert other.status_code == 200
    assert not silent.done()
    silent.cancel()


async def test_a_lost_answer_is_stored(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"statements": {"mode": "apply_then_reset", "times": 1}})

    with pytest.raises(httpx.ReadError):
        await caller.post(a_statement())
    repeated = await caller.post(a_statement())

    assert repeated.status_code == 200
    assert (sandbox.lrs.received, sandbox.lrs.held) == (2, 1)


async def test_a_server_stops_although_callers_hang(sandbox: Sandbox) -> None:
    sandbox.change({"statements": "silent"})
    async with listening(sandbox) as at:
        hanging = asyncio.create_task(raw_answer(at))
        await entries(sandbox, 1)
        loop = asyncio.get_running_loop()
        began = loop.time()

    assert loop.time() - began < 1
    assert await hanging == b""


async def test_a_taken_port_is_said(at: Addresses, sandbox: Sandbox) -> None:
    with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1 port {at.port}"):
        async with listening(sandbox, port=at.port):
            pass


async def test_an_impossible_port_is_said(sandbox: Sandbox) -> None:
    with pytest.raises(CannotListen, match="no port 70000"):
        async with listening(sandbox, port=70000):
            pass


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
async def test_an_ipv6_address_is_written_in_brackets(sandbox: Sandbox) -> None:
    try:
        async with listening(sandbox, host="::1") as at:
            assert at.url == f"http://[::1]:{at.port}"
            async with httpx.AsyncClient(base_url=at.url) as http:
                assert (await http.get("/counts")).status_code == 200
    except CannotListen as flaw:
        pytest.skip(str(flaw))


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_serve_tells_its_addresses_and_stops_at_a_signal(
    clock: StillClock, capsys: pytest.CaptureFixture[str], sign: signal.Signals
) -> None:
    serving = asyncio.create_task(serve("127.0.0.1", 0, 0, clock=clock))
    told = await output(capsys)

    os.kill(os.getpid(), sign)
    await asyncio.wait_for(serving, 5)

    assert [line.split()[0] for line in told.splitlines()] == [
        "sandbox",
        "statement",
        "authentication",
        "client",
        "LearningBuilder",
        "mail",
    ]
    assert capsys.readouterr() == ("", "")


async def test_the_page_names_the_mail_server(sandbox: Sandbox) -> None:
    async with listening(sandbox) as at, httpx.AsyncClient(base_url=at.url) as http:
        answer = await http.get("/")

    assert f"<code>smtp://127.0.0.1:{at.smtp_port}</code>" in answer.text


async def entries(sandbox: Sandbox, count: int) -> None:
    """Wait until so many requests have come in."""
    async with asyncio.timeout(5):
        while len(sandbox.log.entries()) < count:  # noqa: ASYNC110 - the log has no event
            await asyncio.sleep(0.005)


async def output(capsys: pytest.CaptureFixture[str]) -> str:
    """Wait until something was written."""
    async with asyncio.timeout(5):
        while not (written := capsys.readouterr().out):  # noqa: ASYNC110 - nor has a stream
            await asyncio.sleep(0.005)
    return written
