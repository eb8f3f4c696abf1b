"""Events over HTTP: published, read back to the letter, seen by those who may, deleted."""

import json
from urllib.parse import urlsplit

import httpx
import pytest

from hub.registry.clearing_house.subscriptions import SubscriptionChanges
from tests.hub.api.conftest import Hub, errors_of

NAMES = ("system", "acme", "reader", "other", "nobody")
PREFIXES = ["/api", ""]
NASTY = (
    '{"z": 1.0, "a": 12345678901234567890123, "e": 1E+5, "n": -0, "t": "\\u0000\\/é\\ud83d\\ude00",'
    ' "list": [ null, {} ],\n "": ""}'
)


def an_event(event_id: str | None = "ACME-1", **fields: object) -> dict[str, object]:
    return {
        **({} if event_id is None else {"EventId": event_id}),
        "PublisherProgramId": "ACME",
        "EventType": "AI_COMP_SUCCESS",
        "PublisherParticipantId": "ann@example.org",
        "PublisherEventData": {"course": 7},
        "EventStartUtc": "2026-01-31T13:00:00+01:00",
        **fields,
    }


def caller(hub: Hub, name: str) -> httpx.AsyncClient:
    client: httpx.AsyncClient = getattr(hub, name)
    return client


async def publish(hub: Hub, *event_ids: str, **fields: object) -> None:
    for event_id in event_ids:
        program = event_id.partition("-")[0]
        event = an_event(event_id, PublisherProgramId=program, **fields)
        answer = await hub.system.post("/api/events", json=event)
        assert answer.status_code == 201, answer.text


async def subscribe(hub: Hub, program: str, publisher: str) -> None:
    await hub.house.subscriptions.create(
        program, publisher, sync_enabled=False, template="{}", by="test"
    )


async def ids(client: httpx.AsyncClient, path: str, **query: str) -> list[str]:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [event["EventId"] for event in answer.json()["items"]]


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_an_event_is_published_and_found_where_its_location_says(
    hub: Hub, prefix: str
) -> None:
    answer = await hub.acme.post(f"{prefix}/events", json=an_event())

    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["location"] == "/events/ACME-1"
    found = await hub.acme.get(prefix + answer.headers["location"])
    assert found.status_code == 200
    assert found.headers["content-type"] == "application/json"
    shown = found.json()
    created = shown.pop("CreatedUtc")
    assert created == "2026-03-02T09:00:00.000001Z"
    assert shown == {
        **an_event(),
        "EventStartUtc": "2026-01-31T12:00:00.000000Z",
        "EventEndUtc": None,
        "PublisherSystemId": None,
        "PublisherEventId": None,
        "PublisherEventCategory": None,
    }


async def test_an_event_without_an_id_is_given_one(hub: Hub) -> None:
    first = await hub.acme.post("/api/events", json=an_event(None))
    second = await hub.acme.post("/api/events", json=an_event(None))

    places = [answer.headers["location"] for answer in (first, second)]
    assert len(set(places)) == 2
    for place in places:
        assert place.startswith("/events/ACME-")
        assert (await hub.acme.get(place)).status_code == 200


@pytest.mark.parametrize(
    "event_id",
    [
        "ACME-a/b",
        "ACME-a/../../programs",
        "ACME-//",
        "ACME-a?b=c#d",
        "ACME-100%25 é😀",
        "ACME-+&;=@:",
        "ACME-..",
        "ACME-" + "😀" * 128,
    ],
)
@pytest.mark.parametrize("prefix", PREFIXES)
async def test_whatever_an_id_holds_its_location_resolves(
    hub: Hub, event_id: str, prefix: str
) -> None:
    answer = await hub.acme.post(f"{prefix}/events", json=an_event(event_id))

    place = answer.headers["location"]
    assert place.isascii()
    # As a client would: relative to where it posted.
    address = answer.url.join(place)
    assert urlsplit(str(address)).query == ""
    assert (await hub.acme.get(address)).json()["EventId"] == event_id
    assert (await hub.acme.delete(address)).status_code == 204
    assert (await hub.acme.get(address)).status_code == 404


async def test_the_data_comes_back_to_the_letter(hub: Hub) -> None:
    await subscribe(hub, "OTHER", "ACME")
    body = json.dumps(an_event(PublisherEventData="@")).replace('"@"', NASTY)

    answer = await hub.acme.post(
        "/api/events", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 201
    for path in ("/events/ACME-1", "/events/ACME", "/programs/OTHER/events"):
        assert f'"PublisherEventData":{NASTY}' in (await hub.system.get(path)).text


async def test_an_array_is_published_as_a_whole(hub: Hub) -> None:
    answer = await hub.acme.post(
        "/api/events", json=[an_event("ACME-2"), an_event(None), an_event("ACME-é")]
    )

    assert answer.status_code == 201
    assert "location" not in answer.headers
    first, made, last = answer.json()
    assert first == {"EventId": "ACME-2", "Location": "/events/ACME-2"}
    assert last == {"EventId": "ACME-é", "Location": "/events/ACME-%C3%A9"}
    assert await ids(hub.acme, "/api/events/ACME") == ["ACME-2", made["EventId"], "ACME-é"]
    for one in (first, made, last):
        assert (await hub.acme.get(one["Location"])).json()["EventId"] == one["EventId"]


async def test_an_array_with_a_flaw_leaves_nothing(hub: Hub) -> None:
    answer = await hub.acme.post(
        "/api/events",
        json=[an_event("ACME-1"), an_event("ACME-2", EventType="X"), an_event("BETA-3")],
    )

    assert answer.status_code == 422
    assert errors_of(answer).keys() == {"/1/EventType", "/2/EventId"}
    assert await ids(hub.acme, "/api/events/ACME") == []


async def test_an_id_that_is_taken_is_a_conflict_and_stays_what_it_was(hub: Hub) -> None:
    await publish(hub, "ACME-1", "ACME-3")

    one = await hub.acme.post("/events", json=an_event("ACME-1", PublisherEventData=9))
    array = await hub.acme.post(
        "/events", json=[an_event(f"ACME-{number}") for number in (1, 2, 3)]
    )
    twice = await hub.acme.post("/events", json=[an_event("ACME-4"), an_event("ACME-4")])

    assert (one.status_code, errors_of(one)) == (409, {"/EventId": "ACME-1 is taken"})
    assert (array.status_code, errors_of(array)) == (
        409,
        {"/0/EventId": "ACME-1 is taken", "/2/EventId": "ACME-3 is taken"},
    )
    assert (twice.status_code, set(errors_of(twice))) == (409, {"/1/EventId"})
    assert await ids(hub.acme, "/api/events/ACME") == ["ACME-1", "ACME-3"]
    assert (await hub.acme.get("/events/ACME-1")).json()["PublisherEventData"] == {"course": 7}


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"EventId": "a", "EventId": "b"}', "application/json", 400),
        (b"[]", "application/json", 422),
        (b"{}", "application/json", 422),
        (b"5", "application/json", 422),
        (b"{}", "text/plain", 415),
        (json.dumps([an_event(None)] * 11).encode(), "application/json", 413),
        (b" " * 20_001, "application/json", 413),
    ],
    ids=range(9),
)
async def test_what_cannot_be_taken_is_refused(
    hub: Hub, content: bytes, media_type: str, status: int
) -> None:
    answer = await hub.acme.post(
        "/api/events", content=content, headers={"content-type": media_type}
    )

    assert answer.status_code == status
    errors_of(answer)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("name", "status"),
    [("system", 201), ("acme", 201), ("reader", 403), ("other", 403), ("nobody", 401)],
)
async def test_only_who_may_write_to_the_publisher_publishes(
    hub: Hub, prefix: str, name: str, status: int
) -> None:
    one = await caller(hub, name).post(f"{prefix}/events", json=an_event())
    array = await caller(hub, name).post(f"{prefix}/events", json=[an_event(None)])

    assert (one.status_code, array.status_code) == (status, status)
    assert len(await ids(hub.system, "/events/ACME")) == (2 if status == 201 else 0)


async def test_publishing_tells_nobody_which_programs_exist(hub: Hub) -> None:
    there = await hub.other.post("/events", json=an_event(None))
    nowhere = await hub.other.post("/events", json=an_event(None, PublisherProgramId="GONE"))
    known = await hub.system.post("/events", json=an_event(None, PublisherProgramId="GONE"))

    assert (there.status_code, nowhere.status_code, known.status_code) == (403, 403, 404)
    assert there.text.replace("ACME", "GONE") == nowhere.text


async def test_one_event_of_another_program_refuses_the_whole_array(hub: Hub) -> None:
    array = [an_event("ACME-1"), an_event("OTHER-1", PublisherProgramId="OTHER")]

    answer = await hub.acme.post("/events", json=array)

    assert answer.status_code == 403
    assert "event 1" in answer.json()["detail"]
    assert await ids(hub.acme, "/events/ACME") == []


@pytest.mark.parametrize("subscribed", [True, False])
@pytest.mark.parametrize("prefix", PREFIXES)
async def test_an_event_is_seen_by_publisher_subscriber_and_system(
    hub: Hub, prefix: str, *, subscribed: bool
) -> None:
    await publish(hub, "ACME-1")
    if subscribed:
        await subscribe(hub, "OTHER", "ACME")

    seen = {
        name: [
            (await caller(hub, name).get(f"{prefix}/events/{subject}")).status_code
            for subject in ("ACME-1", "ACME")
        ]
        for name in NAMES
    }

    others = [200, 200] if subscribed else [404, 404]
    assert seen == {
        "system": [200, 200],
        "acme": [200, 200],
        "reader": [200, 200],
        "other": others,
        "nobody": [401, 401],
    }


async def test_a_subscription_shows_the_publisher_and_not_the_subscriber(hub: Hub) -> None:
    await publish(hub, "OTHER-1")
    await subscribe(hub, "OTHER", "ACME")

    assert (await hub.acme.get("/events/OTHER-1")).status_code == 404
    assert (await hub.acme.get("/events/OTHER")).status_code == 404


@pytest.mark.parametrize(
    ("hidden", "missing"),
    [
        ("ACME-1", "ACME-2"),
        ("ACME", "GONE"),
        ("ACME-1", "ACME-%00"),
        ("ACME", "a%00b"),
        ("ACME", ""),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_what_is_hidden_is_answered_like_what_is_not_there(
    hub: Hub, hidden: str, missing: str, method: str
) -> None:
    await publish(hub, "ACME-1")

    answers = [await hub.other.request(method, f"/events/{name}") for name in (hidden, missing)]

    assert [answer.status_code for answer in answers] == [404, 404]
    details = [answer.json()["detail"] for answer in answers]
    assert len({detail.rpartition(" ")[0] for detail in details}) == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [("system", 204), ("acme", 204), ("reader", 403), ("other", 403), ("nobody", 401)],
)
async def test_an_event_is_deleted_by_who_may_write_to_its_publisher(
    hub: Hub, name: str, status: int
) -> None:
    await publish(hub, "ACME-1")
    await subscribe(hub, "OTHER", "ACME")

    answer = await caller(hub, name).delete("/api/events/ACME-1")

    assert answer.status_code == status
    assert await ids(hub.acme, "/events/ACME") == ([] if status == 204 else ["ACME-1"])
    entries = (await hub.house.audit.list(kind="event")).items
    assert [(entry.action, entry.subject, entry.program_id) for entry in entries] == (
        [("deleted", "ACME-1", "ACME")] if status == 204 else []
    )


async def test_a_program_pulls_what_its_publishers_publish(hub: Hub) -> None:
    await hub.house.programs.create("THIRD", "Third", by="test")
    await publish(hub, "ACME-1", "THIRD-2", "OTHER-3", "ACME-4")
    assert await ids(hub.other, "/programs/OTHER/events") == []
    await subscribe(hub, "OTHER", "ACME")
    await subscribe(hub, "OTHER", "THIRD")

    for prefix in PREFIXES:
        path = f"{prefix}/programs/OTHER/events"
        assert await ids(hub.other, path) == ["ACME-1", "THIRD-2", "ACME-4"]
        assert await ids(hub.other, path, publisherProgramId="THIRD") == ["THIRD-2"]
        for stranger in ("OTHER", "GONE"):
            hidden = await hub.other.get(path, params={"publisherProgramId": stranger})
            assert hidden.status_code == 404
        seen = [(await caller(hub, name).get(path)).status_code for name in NAMES]
        assert seen == [200, 404, 404, 200, 401]


FILTERS = [
    ({}, ["1", "2", "3", "4"]),
    ({"eventType": "AI_STARTED"}, ["2", "3"]),
    ({"category": "COURSE"}, ["1", "3"]),
    ({"category": "COURSE", "eventType": "AI_STARTED"}, ["3"]),
    ({"category": "course"}, []),
    # CreatedUtc of the first is a microsecond past 09:00:00, then a second for each.
    ({"since": "2026-03-02T09:00:01.000001Z"}, ["3", "4"]),
    ({"since": "2026-03-02T10:00:01.000000+01:00"}, ["2", "3", "4"]),
    ({"until": "2026-03-02T09:00:01.000001Z"}, ["1", "2"]),
    ({"until": "2026-03-02T09:00:01Z"}, ["1"]),
    ({"since": "2026-03-02T09:00:00.5Z", "until": "2026-03-02T09:00:02.5Z"}, ["2", "3"]),
    ({"since": "2026-03-02T09:00:02Z", "until": "2026-03-02T09:00:00Z"}, []),
    ({"limit": "2"}, ["1", "2"]),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS, ids=range(len(FILTERS)))
@pytest.mark.parametrize("path", ["/api/events/ACME", "/programs/OTHER/events"])
async def test_both_lists_know_the_same_filters(
    hub: Hub, path: str, query: dict[str, str], expected: list[str]
) -> None:
    await subscribe(hub, "OTHER", "ACME")
    for number, (kind, category) in enumerate(
        [
            ("AI_REOPENED", "COURSE"),
            ("AI_STARTED", None),
            ("AI_STARTED", "COURSE"),
            ("LPI_STARTED", ""),
        ],
        start=1,
    ):
        of_sort = {"PublisherEventCategory": {"value": category}} if category else {}
        await publish(hub, f"ACME-{number}", EventType=kind, **of_sort)
        hub.clock.move(seconds=1)

    assert await ids(hub.system, path, **query) == [f"ACME-{number}" for number in expected]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": "0"}, 422),
        ({"limit": "1001"}, 422),
        ({"limit": "1000"}, 200),
        ({"eventType": "X"}, 422),
        ({"since": "2026-03-02T09:00:00"}, 422),
        ({"since": "yesterday"}, 422),
        ({"until": ""}, 422),
        ({"category": "a\0b"}, 422),
        ({"cursor": "2026-03-02"}, 400),
        ({"cursor": ""}, 400),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/api/events/ACME", "/programs/ACME/events"])
async def test_a_filter_that_cannot_be_read_is_named(
    hub: Hub, path: str, query: dict[str, str], status: int
) -> None:
    answer = await hub.acme.get(path, params=query)

    assert answer.status_code == status
    if status != 200:
        errors_of(answer)
        assert next(iter(query)) in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/api/events/ACME", "/programs/OTHER/events"])
async def test_next_leads_to_the_end_and_since_leads_on(hub: Hub, path: str) -> None:
    await subscribe(hub, "OTHER", "ACME")
    # The clock stands still: only the hub's own order tells these apart.
    await publish(hub, *(f"ACME-{number}" for number in range(7)))

    seen, cursors, since = [], 0, ""
    query: dict[str, str] = {"limit": "3"}
    for _ in range(3):
        page = (await hub.system.get(path, params=query)).json()
        seen += [event["EventId"] for event in page["items"]]
        since = page["items"][-1]["CreatedUtc"]
        if page["next"] is None:
            break
        cursors += 1
        query = {"limit": "3", "cursor": page["next"]}
    assert (cursors, await ids(hub.system, path, since=since)) == (2, [])

    await publish(hub, "ACME-7", "ACME-8")
    seen += await ids(hub.system, path, since=since)

    assert seen == [f"ACME-{number}" for number in range(9)]


async def test_next_is_null_when_a_page_is_just_full(hub: Hub) -> None:
    await publish(hub, "ACME-1", "ACME-2")

    page = (await hub.acme.get("/events/ACME", params={"limit": "2"})).json()

    assert len(page["items"]) == 2
    assert page["next"] is None


async def test_filters_hold_on_the_pages_that_follow(hub: Hub) -> None:
    await publish(hub, "ACME-1", "ACME-2", EventType="AI_STARTED")
    await publish(hub, "ACME-3")
    await publish(hub, "ACME-4", EventType="AI_STARTED")
    query = {"limit": "1", "eventType": "AI_STARTED", "since": "2026-03-02T08:00:00Z"}

    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await hub.acme.get(
            "/events/ACME", params=query | ({"cursor": cursor} if cursor else {})
        )
        seen += [event["EventId"] for event in page.json()["items"]]
        cursor = page.json()["next"]

    assert seen == ["ACME-1", "ACME-2", "ACME-4"]


async def test_the_document_describes_the_hot_road_too(hub: Hub) -> None:
    paths = (await hub.nobody.get("/openapi.json")).json()["paths"]

    assert "201" in paths["/api/events"]["post"]["responses"]
    assert paths["/api/events"]["post"]["security"]
    assert {"get", "delete"} <= paths["/api/events/{event_id}"].keys()
    assert "/events" not in paths


async def test_a_subscription_that_was_changed_shows_what_it_showed(hub: Hub) -> None:
    await publish(hub, "ACME-1")
    await subscribe(hub, "OTHER", "ACME")
    changes = SubscriptionChanges(sync_enabled=True, last_sync_at=hub.clock())
    await hub.house.subscriptions.change("OTHER", "ACME", changes, by="test")

    assert await ids(hub.other, "/programs/OTHER/events") == ["ACME-1"]

    await hub.house.subscriptions.delete("OTHER", "ACME", by="test")
    assert await ids(hub.other, "/programs/OTHER/events") == []
    assert (await hub.other.get("/events/ACME-1")).status_code == 404


@pytest.mark.parametrize("path", ["/api/events/OTHER", "/api/programs/ACME/events"])
async def test_the_newest_are_first_where_that_is_asked(hub: Hub, path: str) -> None:
    await subscribe(hub, "ACME", "OTHER")
    await publish(hub, *(f"OTHER-{number}" for number in range(1, 6)))
    seen: list[str] = []
    cursor = ""

    while True:
        query = {"limit": "2", "order": "newest"} | ({"cursor": cursor} if cursor else {})
        page = (await hub.acme.get(path, params=query)).json()
        seen += [event["EventId"] for event in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert seen == [f"OTHER-{number}" for number in range(5, 0, -1)]


async def test_the_newest_of_several_publishers_are_first(hub: Hub) -> None:
    await hub.house.programs.create("THIRD", "Third", by="test")
    await subscribe(hub, "ACME", "OTHER")
    await subscribe(hub, "ACME", "THIRD")
    for number in range(1, 4):
        await publish(hub, f"OTHER-{number}")
        await publish(hub, f"THIRD-{number}")
    path = "/api/programs/ACME/events"

    first = (await hub.acme.get(path, params={"limit": 3, "order": "newest"})).json()
    rest = await ids(hub.acme, path, order="newest", cursor=first["next"])

    assert [one["EventId"] for one in first["items"]] == ["THIRD-3", "OTHER-3", "THIRD-2"]
    assert rest == ["OTHER-2", "THIRD-1", "OTHER-1"]
    since = first["items"][1]["CreatedUtc"]
    assert await ids(hub.acme, path, order="newest", since=since) == ["THIRD-3"]
