"""Who may do what: every route that there is, with every kind of key.

The routes are those of the OpenAPI document, so one that is added without a line here fails.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.conformance.learning_hub import LearningHub, callers, running_web
from tests.faults.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVERYBODY = frozenset(
    {"publisher", "publisher_reader", "subscriber", "subscriber_reader", "stranger"}
)
WITHOUT_A_KEY = ("revoked", "expired", "nobody")
LET_THROUGH = "let through"


@dataclass(frozen=True)
class Needs:
    """What a route asks of its caller: who may, and who is told no instead of nothing."""

    may: frozenset[str]
    sees: frozenset[str]
    a_key: bool = True

    def expects(self, role: str) -> str:
        """Say how a caller is answered: let through, told no, or told that nothing is there."""
        if role == "system" or not self.a_key:
            return LET_THROUGH
        if role in WITHOUT_A_KEY:
            return "401"
        return LET_THROUGH if role in self.may else "403" if role in self.sees else "404"


NOBODY: frozenset[str] = frozenset()
OF_PUBLISHER = frozenset({"publisher", "publisher_reader"})
OF_SUBSCRIBER = frozenset({"subscriber", "subscriber_reader"})
RELATED = EVERYBODY - {"stranger"}

NOTHING = Needs(EVERYBODY, EVERYBODY, a_key=False)
A_KEY = Needs(EVERYBODY, EVERYBODY)
SYSTEM = Needs(NOBODY, EVERYBODY)
READ = Needs(OF_PUBLISHER, OF_PUBLISHER)
WRITE = Needs(frozenset({"publisher"}), OF_PUBLISHER)
READ_SUBSCRIBER = Needs(OF_SUBSCRIBER, OF_SUBSCRIBER)
WRITE_SUBSCRIBER = Needs(frozenset({"subscriber"}), OF_SUBSCRIBER)
SYSTEM_FOR_SUBSCRIBER = Needs(NOBODY, OF_SUBSCRIBER)
SEE_EVENTS = Needs(RELATED, RELATED)
DELETE_EVENTS = Needs(frozenset({"publisher"}), RELATED)
PUBLISH = Needs(frozenset({"publisher"}), EVERYBODY)
ROUTES: dict[str, Needs] = {
    "GET /healthz": NOTHING,
    "GET /readyz": NOTHING,
    "GET /metrics": NOTHING,
    "GET /api/providers": A_KEY,
    "POST /api/providers": SYSTEM,
    "GET /api/providers/{provider_id}": A_KEY,
    "PATCH /api/providers/{provider_id}": SYSTEM,
    "DELETE /api/providers/{provider_id}": SYSTEM,
    "GET /api/programs": A_KEY,
    "POST /api/programs": SYSTEM,
    "GET /api/programs/{program_id}": READ,
    "PATCH /api/programs/{program_id}": WRITE,
    "GET /api/programs/{program_id}/integrations": READ,
    "GET /api/programs/{program_id}/providers": READ,
    "POST /api/programs/{program_id}/integrations": WRITE,
    "POST /api/programs/{program_id}/integrations/test": WRITE,
    "POST /api/programs/{program_id}/completions": WRITE,
    "GET /api/programs/{program_id}/mails": READ,
    "GET /api/integrations/{integration_id}/history": READ,
    "GET /api/integrations/{integration_id}/timeline": READ,
    "GET /api/integrations/{integration_id}/forecast": READ,
    "GET /api/integrations/{integration_id}/mails": READ,
    "GET /api/integrations/{integration_id}/queue/download": READ,
    "GET /api/integrations/{integration_id}/parked/download": READ,
    "GET /api/integrations": A_KEY,
    "GET /api/integrations/{integration_id}": READ,
    "PATCH /api/integrations/{integration_id}": WRITE,
    "DELETE /api/integrations/{integration_id}": WRITE,
    "GET /api/integrations/{integration_id}/test": READ,
    "POST /api/integrations/{integration_id}/test": WRITE,
    "POST /api/integrations/{integration_id}/statements": WRITE,
    "GET /api/integrations/{integration_id}/statements/{statement_id}": READ,
    "GET /api/integrations/{integration_id}/statements/{statement_id}/story": READ,
    "GET /api/programs/{program_id}/statements/{statement_id}": READ,
    "GET /api/integrations/{integration_id}/attempts": READ,
    "GET /api/integrations/{integration_id}/attempts/{attempt_id}": READ,
    "GET /api/integrations/{integration_id}/parked": READ,
    "POST /api/integrations/{integration_id}/parked/release": WRITE,
    "POST /api/integrations/{integration_id}/parked/discard": WRITE,
    "GET /api/integrations/{integration_id}/queue": READ,
    "POST /api/integrations/{integration_id}/queue/purge": WRITE,
    "POST /api/integrations/{integration_id}/replays": WRITE,
    "GET /api/integrations/{integration_id}/replays/{operation_id}": READ,
    "GET /api/integrations/{integration_id}/operations": READ,
    "GET /api/integrations/{integration_id}/operations/{operation_id}": READ,
    "POST /api/integrations/{integration_id}/operations/{operation_id}/{verb}": WRITE,
    "POST /xapi/{integration_id}/statements": WRITE,
    "PUT /xapi/{integration_id}/statements": WRITE,
    "GET /xapi/{integration_id}/about": READ,
    "POST /api/events": PUBLISH,
    "POST /api/events/preview": A_KEY,
    "GET /api/events/{event_id}": SEE_EVENTS,
    "DELETE /api/events/{event_id}": DELETE_EVENTS,
    "GET /api/programs/{program_id}/events": READ_SUBSCRIBER,
    "GET /api/programs/{program_id}/eventSubs": READ_SUBSCRIBER,
    "POST /api/programs/{program_id}/eventSubs": SYSTEM_FOR_SUBSCRIBER,
    "GET /api/programs/{program_id}/eventSubs/{publisher_id}": READ_SUBSCRIBER,
    "PUT /api/programs/{program_id}/eventSubs/{publisher_id}": SYSTEM_FOR_SUBSCRIBER,
    "PATCH /api/programs/{program_id}/eventSubs/{publisher_id}": SYSTEM_FOR_SUBSCRIBER,
    "DELETE /api/programs/{program_id}/eventSubs/{publisher_id}": SYSTEM_FOR_SUBSCRIBER,
    "GET /api/programs/{program_id}/eventCompletions": READ,
    "PUT /api/programs/{program_id}/eventCompletions": WRITE,
    "DELETE /api/programs/{program_id}/eventCompletions": WRITE,
    "GET /api/programs/{program_id}/eventCompletions/failures": READ,
    "GET /api/programs/{program_id}/subscribers": READ,
    "POST /api/programs/{program_id}/eventSubs/{publisher_id}/preview": READ_SUBSCRIBER,
    "GET /api/programs/{program_id}/eventSubs/{publisher_id}/waiting": READ_SUBSCRIBER,
    "POST /api/processEvents": WRITE_SUBSCRIBER,
    "GET /api/programs/{program_id}/syncs": READ_SUBSCRIBER,
    "GET /api/programs/{program_id}/syncs/{sync_id}": READ_SUBSCRIBER,
    "GET /api/programs/{program_id}/sources": READ,
    "POST /api/programs/{program_id}/sources": WRITE,
    "GET /api/programs/{program_id}/sources/{source_id}": READ,
    "PATCH /api/programs/{program_id}/sources/{source_id}": WRITE,
    "DELETE /api/programs/{program_id}/sources/{source_id}": WRITE,
    "GET /api/sources/{source_id}": READ,
    "PATCH /api/sources/{source_id}": WRITE,
    "DELETE /api/sources/{source_id}": WRITE,
    "POST /api/sources/{source_id}/ask": WRITE,
    "POST /api/sources/{source_id}/files": WRITE,
    "GET /api/sources/{source_id}/files": READ,
    "GET /api/sources/{source_id}/files/{file_id}": READ,
    "GET /api/sources/{source_id}/files/{file_id}/download": READ,
    "GET /api/sources/{source_id}/files/{file_id}/errors": READ,
    "POST /api/sources/{source_id}/files/{file_id}/reprocess": WRITE,
    "GET /api/recipes": A_KEY,
    "POST /api/recipes/preview": A_KEY,
    "GET /hooks/{source_id}": NOTHING,
    "GET /api/keys": SYSTEM,
    "POST /api/keys": SYSTEM,
    "GET /api/keys/mine": A_KEY,
    "GET /api/keys/{key_id}": SYSTEM,
    "DELETE /api/keys/{key_id}": SYSTEM,
    "GET /api/audit": SYSTEM,
    "GET /api/programs/{program_id}/audit": READ,
}
PROVEN = {"POST /hooks/{source_id}"}
"""Routes for senders that prove themselves otherwise than by a key of ours."""
STATEMENT_ID = "3f1d5a0e-9d0c-4b7b-8f5e-0a4a3b1c2d4e"
BODIES: Mapping[str, object] = {
    "POST /api/integrations/{integration_id}/parked/release": {"all": True},
    "POST /api/integrations/{integration_id}/parked/discard": {"all": True},
    "POST /api/events/preview": {"template": "{}", "event": {"PublisherEventData": 1}},
    "POST /api/integrations/{integration_id}/test": {},
    "POST /api/programs/{program_id}/eventSubs/{publisher_id}/preview": {},
    "PATCH /api/programs/{program_id}/sources/{source_id}": {"name": "Other files"},
    "PATCH /api/sources/{source_id}": {"name": "Other files"},
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_web(tmp_path_factory.mktemp("rights"), None) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def hub(stack: Stack) -> AsyncIterator[LearningHub]:
    async with callers(stack) as hub:
        await hub.subscribe()
        yield hub


async def test_every_route_has_its_line(hub: LearningHub) -> None:
    document = (await hub.nobody.get("/openapi.json")).json()

    found = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert found == set(ROUTES) | PROVEN


@pytest.mark.parametrize("route", ROUTES)
async def test_each_kind_of_key_is_answered_as_it_should_be(hub: LearningHub, route: str) -> None:
    roles = (*WITHOUT_A_KEY, *sorted(EVERYBODY), "system")
    needs = ROUTES[route]

    answered = {role: told(await ask(hub, route, getattr(hub, role))) for role in roles}

    assert answered == {role: needs.expects(role) for role in roles}


@pytest.mark.parametrize(
    "route",
    [route for route, needs in ROUTES.items() if "404" in {needs.expects(r) for r in EVERYBODY}],
)
async def test_what_is_hidden_is_told_like_what_is_not_there(hub: LearningHub, route: str) -> None:
    hidden = await ask(hub, route, hub.stranger)
    missing = await ask(hub, route, hub.stranger, exists=False)

    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert anonymous(hub, hidden) == anonymous(hub, missing)


async def ask(
    hub: LearningHub, route: str, client: httpx.AsyncClient, *, exists: bool = True
) -> httpx.Response:
    """Send a request that the route would take from somebody who may."""
    method, path = route.split()
    names = await names_of(hub, route, exists=exists)
    path = path.format(**names)
    query = {"programId": names["program_id"]} if "processEvents" in path else {}
    if method == "PUT" and path.startswith("/xapi/"):
        query = {"statementId": STATEMENT_ID}
    body = hub.an_event() if route == "POST /api/events" else BODIES.get(route)
    headers = {"X-Experience-API-Version": "1.0.3"}
    wants_body = method in {"POST", "PUT", "PATCH"} and "processEvents" not in path
    # Without better, something that is refused once it is read: after the key was looked at.
    content: dict[str, Any] = {"json": body if body is not None else [7]} if wants_body else {}
    return await client.request(method, path, params=query, headers=headers, **content)


async def names_of(hub: LearningHub, route: str, *, exists: bool) -> dict[str, str]:
    """Give what the route's path names: made anew, or nothing that anybody knows."""
    needs = ROUTES[route]
    about = hub.programs.publisher if needs in {READ, WRITE} else hub.programs.subscriber
    if not exists:
        return dict.fromkeys(
            (
                *("program_id", "publisher_id", "provider_id", "sync_id", "statement_id", "key_id"),
                *("operation_id", "source_id", "file_id", "attempt_id"),
            ),
            "X",
        ) | {"event_id": "X-1", "integration_id": STATEMENT_ID, "verb": "pause"}
    if "eventCompletions" in route:
        template = {"Template": '{"learner": {"email": "{{email}}"}, "course": {"uri": "{{uri}}"}}'}
        place = f"/api/programs/{hub.programs.publisher}/eventCompletions"
        assert (await hub.system.put(place, json=template)).status_code == 204
    return {
        "program_id": about,
        "publisher_id": hub.programs.publisher,
        "provider_id": "nothing",
        "statement_id": STATEMENT_ID,
        "key_id": "nothing",
        "sync_id": "nothing",
        "operation_id": "nothing",
        "source_id": await a_source(hub) if "{source_id}" in route else "",
        "file_id": "nothing",
        "attempt_id": "nothing",
        "verb": "pause",
        "event_id": await hub.publish() if "{event_id}" in route else "",
        "integration_id": await an_integration(hub) if "{integration_id}" in route else "",
    }


async def a_source(hub: LearningHub) -> str:
    """Make a source of the publisher."""
    made = await hub.system.post(
        f"/api/programs/{hub.programs.publisher}/sources", json={"kind": "csv", "name": "Files"}
    )
    assert made.status_code == httpx.codes.CREATED, made.text
    return str(made.json()["id"])


async def an_integration(hub: LearningHub) -> str:
    """Make the publisher's integration, or find it."""
    listed = await hub.system.get(f"/api/programs/{hub.programs.publisher}/integrations")
    if listed.json()["items"]:
        return str(listed.json()["items"][0]["id"])
    await hub.system.post("/api/providers", json={"id": "lms", "name": "An LMS"})
    made = await hub.system.post(
        f"/api/programs/{hub.programs.publisher}/integrations",
        json={
            "name": "To the LMS",
            "provider": "lms",
            "technicalEmails": ["ops@example.org"],
            "statementUrl": "https://lrs.example.org/statements",
            "authenticationUrl": "https://lrs.example.org/token",
            "clientId": "hub",
            "clientSecret": "secret",
        },
    )
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def told(answer: httpx.Response) -> str:
    """Say how a caller was answered; what lies behind the door is another test's business."""
    if answer.status_code == 404 and {"nothing", STATEMENT_ID} & words_of(answer):
        return LET_THROUGH
    return str(answer.status_code) if answer.status_code in {401, 403, 404} else LET_THROUGH


def words_of(answer: httpx.Response) -> set[str]:
    return set(str(answer.json()["detail"]).split())


def anonymous(hub: LearningHub, answer: httpx.Response) -> str:
    """Give the words of a problem, without what it was asked for."""
    words = str(answer.json()["detail"])
    known = (*vars_of(hub), "X-1", "X", STATEMENT_ID)
    for segment in sorted({*answer.url.path.split("/"), *known}, key=len, reverse=True):
        if len(segment) > 2 or segment == "X":
            words = words.replace(segment, "*")
    return words


def vars_of(hub: LearningHub) -> tuple[str, ...]:
    return (hub.programs.publisher, hub.programs.subscriber, hub.programs.stranger)
