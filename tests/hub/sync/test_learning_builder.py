"""The door to LearningBuilder, over real sockets: what is sent, and what comes of it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import parse_qs, urlsplit

import pytest

from config.sandbox.imports import API_KEY
from config.sandbox.server import Addresses, listening
from config.sandbox.state import Sandbox
from delivery.wire.egress import Egress
from hub.registry.clearing_house.sync_batches import BatchAnswer, BatchState
from hub.sync.learning_builder import Account, LearningBuilder
from tests.fakes.http_server import http_server, says, sends

WITHIN = timedelta(seconds=0.5)
ROWS = ['{"n": 1}', '{"n": "ä\\u0000 \U0001f600"}']
FILE_NAME = "ACME from PUB, ü & co/1"
PATH = "/API/WorkflowImportQueue/CreateBatch"


@pytest.fixture
async def door() -> AsyncIterator[LearningBuilder]:
    async with Egress([ip_network("127.0.0.0/8")]).open_client(timeout=WITHIN) as client:
        yield LearningBuilder(client, within=WITHIN)


@pytest.fixture
async def at(sandbox: Sandbox) -> AsyncIterator[Addresses]:
    async with listening(sandbox, smtp_port=None) as at:
        yield at


async def post(door: LearningBuilder, url: str, key: str = API_KEY) -> BatchAnswer:
    return await door.create_batch(
        Account(url, key), import_process_id="42", file_name=FILE_NAME, rows=ROWS
    )


async def test_a_batch_is_posted_as_learning_builder_wants_it(door: LearningBuilder) -> None:
    async with http_server(says(200, '{"queueBatchId": "q"}')) as server:
        answer = await post(door, server.url("/tenant/"))

    (request,) = server.requests
    target = urlsplit(request.target)
    assert (request.method, target.path) == ("POST", f"/tenant{PATH}")
    assert parse_qs(target.query) == {
        "importProcessId": ["42"],
        "fileName": [FILE_NAME],
        "creationPath": ["LH"],
    }
    assert request.headers["authorization"] == f"apikey {API_KEY}"
    assert request.headers["content-type"] == "application/jsonl; charset=utf-8"
    assert request.headers["user-agent"].startswith("learning-hub/")
    assert request.body.decode().split("\n") == ROWS
    assert (answer.state, answer.queue_batch_id) == (BatchState.ACCEPTED, "q")


@pytest.mark.parametrize("base", ["", "/", "?tenant=1", "#top"])
async def test_the_address_may_be_written_in_several_ways(
    door: LearningBuilder, at: Addresses, base: str
) -> None:
    assert (await post(door, at.url + base)).state is BatchState.ACCEPTED


@pytest.mark.parametrize(
    ("wish", "state", "status", "words"),
    [
        ("ok", BatchState.ACCEPTED, 200, "queueBatchId"),
        (400, BatchState.REFUSED, 400, "HTTP 400: "),
        (500, BatchState.UNKNOWN, 500, "HTTP 500: "),
        ("silent", BatchState.UNKNOWN, None, "did not answer within 0.5 seconds"),
        ("reset", BatchState.UNKNOWN, None, "closed the connection before it answered"),
        ("close", BatchState.UNKNOWN, None, "closed the connection before it answered"),
        ("apply_then_503", BatchState.UNKNOWN, 503, "HTTP 503: "),
        ("apply_then_reset", BatchState.UNKNOWN, None, "closed the connection"),
    ],
)
async def test_whatever_comes_back_is_an_answer(
    door: LearningBuilder,
    sandbox: Sandbox,
    at: Addresses,
    wish: object,
    state: BatchState,
    status: int | None,
    words: str,
) -> None:
    sandbox.change({"batches": wish})

    answer = await post(door, at.url)

    assert (answer.state, answer.status) == (state, status)
    assert words in answer.answer


async def test_a_redirect_is_refused_and_not_followed(door: LearningBuilder) -> None:
    async with http_server() as elsewhere:
        moved = (
            f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.url(PATH)}\r\nContent-Length: 0\r\n\r\n"
        )
        async with http_server(sends(moved.encode())) as server:
            answer = await post(door, server.url())

    assert (answer.state, answer.status) == (BatchState.REFUSED, 307)
    assert elsewhere.requests == []


async def test_an_acceptance_whose_body_never_ends_is_one(door: LearningBuilder) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
    async with http_server(sends(head, then_close=False)) as server:
        answer = await post(door, server.url())

    assert (answer.state, answer.queue_batch_id) == (BatchState.ACCEPTED, None)


async def test_an_echoed_key_is_masked(door: LearningBuilder) -> None:
    async with http_server(says(401, f"no such key: {API_KEY}")) as server:
        answer = await post(door, server.url())

    assert answer.answer == "HTTP 401: no such key: ***"


async def test_nobody_listening_is_surely_not_applied(
    door: LearningBuilder, unused_tcp_port: int
) -> None:
    answer = await post(door, f"http://127.0.0.1:{unused_tcp_port}")

    assert answer.state is BatchState.UNREACHED


@pytest.mark.parametrize(
    "url", ["https://10.1.2.3", "http://192.0.2.1", "ftp://lb.example", "nonsense", ""]
)
async def test_an_address_that_may_not_be_reached_is_refused(
    door: LearningBuilder, url: str
) -> None:
    assert (await post(door, url)).state is BatchState.REFUSED


@pytest.mark.parametrize("key", ["", "ä", "a\nb", " a", "a\x7f"])
async def test_a_key_that_no_header_carries_is_refused_before_anything_is_sent(
    door: LearningBuilder, at: Addresses, sandbox: Sandbox, key: str
) -> None:
    answer = await post(door, at.url, key)

    assert answer.state is BatchState.REFUSED
    assert "LbApiKey" in answer.answer
    assert sandbox.imports.attempts == 0
