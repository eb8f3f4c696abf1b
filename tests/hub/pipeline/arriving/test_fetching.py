"""Fetching pages from a real server: proofs, tokens, patience, and what is no page."""

from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_network

import pytest

from delivery.wire.egress import Egress
from hub.pipeline.arriving.fetching import LARGEST_PAGE, Fetching, NoPage, Page
from hub.sources.settings import READ, PollSource
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import HttpServer, http_server, says

TOKEN = {"access_token": "t1", "expires_in": 3600, "token_type": "Bearer"}
WITHIN = timedelta(seconds=5)
LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with http_server(says(200, {"rows": []})) as server:
        yield server


class Scene:
    """A source's pages, fetched; the pauses that would have been made."""

    def __init__(self, fetching: Fetching, pauses: list[float], clock: FakeClock) -> None:
        self.fetching = fetching
        self.pauses = pauses
        self.clock = clock

    async def get(self, server: HttpServer, **said: object) -> Page | NoPage:
        form = {"kind": "poll", "name": "An API", "url": server.url("/rows"), **said}
        source = READ.validate_python(form)
        assert isinstance(source, PollSource)
        return await self.fetching.page("a-source", source, source.url)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    pauses: list[float] = []

    async def passes(seconds: float) -> None:
        pauses.append(seconds)

    clock = FakeClock()
    async with Egress(LOOPBACK).open_client(timeout=WITHIN) as client:
        yield Scene(Fetching(client, WITHIN, clock, passes), pauses, clock)


@pytest.mark.parametrize(
    ("auth", "shown"),
    [
        ("none", None),
        ({"type": "basic", "username": "ann", "password": "p:ä"}, "Basic YW5uOnA6w6Q="),
        ({"type": "bearer", "token": "abc"}, "Bearer abc"),
    ],
)
async def test_a_page_is_asked_for_with_its_proof(
    scene: Scene, server: HttpServer, auth: object, shown: str | None
) -> None:
    found = await scene.get(server, auth=auth, headers={"X-Version": "2"})

    assert isinstance(found, Page)
    assert found.content == b'{"rows": []}'
    (asked,) = server.requests
    assert asked.headers.get("authorization") == shown
    assert asked.headers["x-version"] == "2"


async def test_a_key_is_shown_in_a_header_of_its_own(scene: Scene, server: HttpServer) -> None:
    await scene.get(server, auth={"type": "header", "header": "X-API-Key", "token": "abc"})

    (asked,) = server.requests
    assert asked.headers["x-api-key"] == "abc"
    assert "authorization" not in asked.headers


def oauth2(tokens: HttpServer) -> dict[str, object]:
    return {
        "type": "oauth2",
        "tokenUrl": tokens.url("/token"),
        "clientId": "us",
        "clientSecret": "s",
    }


async def test_a_token_is_fetched_once_and_again_when_it_is_old(
    scene: Scene, server: HttpServer
) -> None:
    async with http_server(says(200, TOKEN)) as tokens:
        for _ in range(3):
            assert isinstance(await scene.get(server, auth=oauth2(tokens)), Page)
        assert len(tokens.requests) == 1
        scene.clock.move(seconds=3600)
        assert isinstance(await scene.get(server, auth=oauth2(tokens)), Page)

        assert len(tokens.requests) == 2
        assert {one.headers["authorization"] for one in server.requests} == {"Bearer t1"}


async def test_a_token_goes_to_the_server_that_it_was_got_for_and_to_no_other(
    scene: Scene, server: HttpServer
) -> None:
    async with http_server(says(200, TOKEN)) as tokens, http_server(says(200, {})) as elsewhere:
        await scene.get(server, auth=oauth2(tokens))
        tokens.otherwise = says(401, {"error": "invalid_client"})
        found = await scene.get(elsewhere, auth={**oauth2(tokens), "clientSecret": "made up"})

        assert isinstance(found, NoPage)
        assert elsewhere.requests == []
        assert isinstance(await scene.get(elsewhere, auth=oauth2(tokens)), NoPage)
        assert isinstance(await scene.get(server, auth=oauth2(tokens)), Page)


async def test_a_refused_token_is_fetched_anew_once(scene: Scene, server: HttpServer) -> None:
    async with http_server(says(200, TOKEN)) as tokens:
        server.script = [says(200, []), says(401), says(200, [])]
        assert isinstance(await scene.get(server, auth=oauth2(tokens)), Page)
        assert isinstance(await scene.get(server, auth=oauth2(tokens)), Page)
        assert len(tokens.requests) == 2

        server.script = [says(401), says(401)]
        found = await scene.get(server, auth=oauth2(tokens))
        assert isinstance(found, NoPage)
        assert (found.status, found.again) == (401, False)


async def test_a_token_endpoint_that_refuses_is_told(scene: Scene, server: HttpServer) -> None:
    async with http_server(says(401, {"error": "invalid_client"})) as tokens:
        found = await scene.get(server, auth=oauth2(tokens))

    assert isinstance(found, NoPage)
    assert not found.again
    assert server.requests == []


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(scene: Scene, server: HttpServer, status: int) -> None:
    server.script = [says(status), says(status)]

    assert isinstance(await scene.get(server), Page)
    assert scene.pauses == [1, 2]
    assert len(server.requests) == 3


async def test_three_times_and_no_more(scene: Scene, server: HttpServer) -> None:
    server.otherwise = says(503)

    found = await scene.get(server)

    assert isinstance(found, NoPage)
    assert found.reason == "127.0.0.1 answered 503 Sorry"
    assert len(server.requests) == 3


async def test_a_server_that_says_when_is_heeded(scene: Scene, server: HttpServer) -> None:
    server.script = [says(429, headers={"Retry-After": "7"})]

    assert isinstance(await scene.get(server), Page)
    assert scene.pauses == [7]


async def test_a_server_that_asks_for_more_patience_is_left_alone(
    scene: Scene, server: HttpServer
) -> None:
    server.script = [says(429, headers={"Retry-After": "600"})]

    found = await scene.get(server)

    assert isinstance(found, NoPage)
    assert found.after == timedelta(seconds=600)
    assert (scene.pauses, len(server.requests)) == ([], 1)


@pytest.mark.parametrize(
    ("status", "headers", "after"),
    [
        (429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772442090"}, 90),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772442090"}, 90),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "45"}, 45),
        (429, {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "1772441000"}, 1),
        (429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9999999999"}, 86400),
        (403, {"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "45"}, None),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"}, None),
    ],
    ids=["a moment", "forbidden", "seconds", "over", "far", "some left", "no number"],
)
async def test_a_limit_of_requests_is_heeded(
    scene: Scene, server: HttpServer, status: int, headers: dict[str, str], after: float | None
) -> None:
    server.otherwise = says(status, headers=headers)

    found = await scene.get(server)

    assert isinstance(found, NoPage)
    assert found.after == (None if after is None else timedelta(seconds=after))


@pytest.mark.parametrize("status", [301, 400, 403, 404, 410])
async def test_what_does_not_pass_is_not_tried_again(
    scene: Scene, server: HttpServer, status: int
) -> None:
    server.script = [says(status, headers={"Location": "/elsewhere"})]

    found = await scene.get(server)

    assert isinstance(found, NoPage)
    assert (found.status, len(server.requests)) == (status, 1)


async def test_a_page_is_bounded(scene: Scene, server: HttpServer) -> None:
    server.script = [says(200, b"x" * (LARGEST_PAGE + 1))]

    found = await scene.get(server)

    assert isinstance(found, NoPage)
    assert found.reason == "the page has more than 8 MiB"


async def test_an_address_is_asked_once_to_confirm(scene: Scene, server: HttpServer) -> None:
    assert await scene.fetching.confirm(server.url("/?Action=Confirm")) is None
    assert [one.target for one in server.requests] == ["/?Action=Confirm"]

    server.otherwise = says(500)
    assert await scene.fetching.confirm(server.url("/")) == "127.0.0.1 answered 500"
    assert "10.0.0.1" in str(await scene.fetching.confirm("https://10.0.0.1/"))
    assert len(server.requests) == 2


async def test_what_is_inside_is_not_asked() -> None:
    async with http_server() as server, Egress([]).open_client(timeout=WITHIN) as client:
        scene = Scene(Fetching(client, WITHIN, FakeClock(), _at_once), [], FakeClock())
        found = await scene.get(server)

    assert isinstance(found, NoPage)
    assert server.requests == []


async def _at_once(_: float) -> None:
    pass


@pytest.mark.parametrize("url", ["http://[::zz]/", "http://127.0.0.1:x/"])
async def test_what_is_no_address_is_no_page(scene: Scene, server: HttpServer, url: str) -> None:
    found = await scene.get(server, url=url)

    assert isinstance(found, NoPage)
    assert "is no address" in found.reason
    assert scene.pauses == []
