"""The Learning Hub's table of the HTTP contract, row by row, against a real web process.

On SQLite and on PostgreSQL: exact statuses and headers, and bodies that are empty where they
shall be.
"""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.conformance.learning_hub import (
    EVERYTHING,
    LB_KEY,
    LearningHub,
    an_event,
    callers,
    running_web,
)
from tests.fakes.postgres import Postgres
from tests.faults.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

PREFIXES = ["", "/api"]
UNKNOWN = "NOBODY.KNOWS"
UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=["sqlite", "postgresql"])
async def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    url = None
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.url(server.create())
    async with running_web(tmp_path_factory.mktemp("learning-hub"), url) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def hub(stack: Stack) -> AsyncIterator[LearningHub]:
    stack.sandbox.forget()
    async with callers(stack) as hub:
        yield hub


def is_problem(answer: httpx.Response, status: int) -> bool:
    """Say whether this is a problem of that status, in the form that RFC 9457 gives it."""
    told = answer.headers["content-type"], answer.status_code, answer.json()["status"]
    assert told == ("application/problem+json", status, status), answer.text
    assert answer.json()["title"]
    return True


def is_empty(answer: httpx.Response, status: int) -> bool:
    """Say whether this is an answer of that status without a body."""
    assert (answer.status_code, answer.content) == (status, b""), answer.text
    return True


@pytest.mark.parametrize("prefix", PREFIXES)
class TestPrograms:
    async def test_a_program_is_made(self, hub: LearningHub, prefix: str) -> None:
        program_id = f"{hub.programs.publisher}.{len(prefix)}"
        new = {"ProgramId": program_id, "Name": "New", "LbApiKey": LB_KEY}

        made = await hub.system.post(f"{prefix}/programs", json=new)

        assert is_empty(made, 201)
        assert made.headers["Location"] == f"/programs/{program_id}"
        found = await hub.system.get(made.headers["Location"])
        assert found.json()["ProgramId"] == program_id
        assert LB_KEY not in found.text
        assert is_problem(await hub.system.post(f"{prefix}/programs", json=new), 409)

    @pytest.mark.parametrize("program_id", ["", "A" * 26, "A-B", "A B", "Ä"])
    async def test_a_program_id_is_1_to_25_of_some_characters(
        self, hub: LearningHub, prefix: str, program_id: str
    ) -> None:
        made = await hub.system.post(
            f"{prefix}/programs", json={"ProgramId": program_id, "Name": "New"}
        )

        assert is_problem(made, 422)
        assert made.json()["errors"][0]["pointer"] == "/ProgramId"

    async def test_programs_are_listed_and_changed(self, hub: LearningHub, prefix: str) -> None:
        mine = hub.programs.publisher

        listed = await hub.publisher.get(f"{prefix}/programs")
        changed = await hub.publisher.patch(
            f"{prefix}/programs/{mine}", json={"Name": "Other", "LbApiKey": LB_KEY}
        )

        assert [one["ProgramId"] for one in listed.json()["items"]] == [mine]
        assert listed.json()["next"] is None
        assert is_empty(changed, 204)
        found = await hub.publisher_reader.get(f"{prefix}/programs/{mine}")
        assert found.json()["Name"] == "Other"
        assert LB_KEY not in found.text


@pytest.mark.parametrize("prefix", PREFIXES)
class TestEvents:
    async def test_an_event_is_published_and_read_back(self, hub: LearningHub, prefix: str) -> None:
        event = hub.an_event(
            PublisherSystemId="LB", EventEndUtc="2026-01-31T14:30:00+01:00", EventStartUtc=None
        ) | {"EventStartUTC": "2026-01-31T13:00:00.123456+01:00"}

        posted = await hub.publisher.post(f"{prefix}/events", json=event)

        assert is_empty(posted, 201)
        place = posted.headers["Location"]
        assert re.fullmatch(rf"/events/{hub.programs.publisher}-.+", place)
        found = (await hub.publisher_reader.get(f"{prefix}{place}")).json()
        assert re.fullmatch(UTC, found.pop("CreatedUtc"))
        assert found == {
            "EventId": place.removeprefix("/events/"),
            "PublisherProgramId": hub.programs.publisher,
            "PublisherSystemId": "LB",
            "PublisherEventId": "AI:1234",
            "EventType": "AI_COMP_SUCCESS",
            "PublisherParticipantId": "ann@example.org",
            "PublisherEventCategory": {"value": "COURSE", "label": "A course"},
            "PublisherEventData": event["PublisherEventData"],
            "EventStartUtc": found["EventStartUtc"],
            "EventEndUtc": found["EventEndUtc"],
        }
        assert found["EventStartUtc"].startswith("2026-01-31T12:00:00.123456")
        assert found["EventEndUtc"].startswith("2026-01-31T13:30:00")

    async def test_an_id_of_ones_own_is_taken_once(self, hub: LearningHub, prefix: str) -> None:
        event_id = f"{hub.programs.publisher}-ABC123"
        event = hub.an_event(EventId=event_id)

        first = await hub.publisher.post(f"{prefix}/events", json=event)
        again = await hub.publisher.post(f"{prefix}/events", json=event)

        assert is_empty(first, 201)
        assert first.headers["Location"] == f"/events/{event_id}"
        assert is_problem(again, 409)

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"EventId": "ELSE-1"}, "/EventId"),
            ({"EventId": ""}, "/EventId"),
            ({"EventType": "AI_FINISHED"}, "/EventType"),
            ({"EventType": None}, "/EventType"),
            ({"PublisherParticipantId": None}, "/PublisherParticipantId"),
            ({"PublisherParticipantId": "x" * 201}, "/PublisherParticipantId"),
            ({"PublisherEventId": "x" * 201}, "/PublisherEventId"),
            ({"PublisherSystemId": "x" * 26}, "/PublisherSystemId"),
            ({"PublisherEventData": None}, "/PublisherEventData"),
            ({"PublisherEventCategory": 7}, "/PublisherEventCategory"),
            ({"EventStartUtc": "2026-01-31T12:00:00"}, "/EventStartUtc"),
            ({"EventStartUtc": "yesterday"}, "/EventStartUtc"),
            ({"EventStartUtc": None}, "/EventStartUtc"),
            ({"EventEndUtc": "2026-02-30T12:00:00Z"}, "/EventEndUtc"),
            ({"CreatedUtc": "2026-01-31T12:00:00Z"}, "/CreatedUtc"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_refused_with_its_place(
        self, hub: LearningHub, prefix: str, changes: dict[str, object], pointer: str
    ) -> None:
        refused = await hub.publisher.post(f"{prefix}/events", json=hub.an_event(**changes))

        assert is_problem(refused, 422)
        assert pointer in {error["pointer"] for error in refused.json()["errors"]}

    async def test_a_program_one_may_not_write_to_takes_no_events(
        self, hub: LearningHub, prefix: str
    ) -> None:
        known = await hub.stranger.post(f"{prefix}/events", json=an_event(hub.programs.publisher))
        unknown = await hub.stranger.post(f"{prefix}/events", json=an_event(UNKNOWN))

        assert is_problem(known, 403)
        assert is_problem(unknown, 403)

    async def test_an_event_is_deleted_by_its_publisher(
        self, hub: LearningHub, prefix: str
    ) -> None:
        place = f"{prefix}/events/{await hub.publish()}"
        await hub.subscribe()

        assert is_problem(await hub.subscriber.delete(place), 403)
        assert is_problem(await hub.stranger.delete(place), 404)
        assert is_empty(await hub.publisher.delete(place), 204)
        assert is_problem(await hub.publisher.get(place), 404)

    async def test_who_may_see_events_sees_them_by_publisher(
        self, hub: LearningHub, prefix: str
    ) -> None:
        ids = [await hub.publish() for _ in range(3)]
        await hub.subscribe()
        place = f"{prefix}/events/{hub.programs.publisher}"

        for reader in (hub.system, hub.publisher_reader, hub.subscriber_reader):
            page = (await reader.get(place, params={"limit": 2})).json()
            rest = (await reader.get(place, params={"cursor": page["next"]})).json()
            assert [one["EventId"] for one in (*page["items"], *rest["items"])] == ids
            assert rest["next"] is None
        hidden = await hub.stranger.get(place)
        missing = await hub.stranger.get(f"{prefix}/events/{UNKNOWN}")
        assert is_problem(hidden, 404)
        assert (
            hidden.json()["detail"].replace(hub.programs.publisher, UNKNOWN)
            == (missing.json()["detail"])
        )

    async def test_a_subscriber_pulls_what_it_wants(self, hub: LearningHub, prefix: str) -> None:
        await hub.subscribe()
        course = await hub.publish()
        work = await hub.publish(PublisherEventCategory="WORK", EventType="AI_REOPENED")
        place = f"{prefix}/programs/{hub.programs.subscriber}/events"

        async def pulled(**filters: str) -> list[str]:
            answer = await hub.subscriber_reader.get(place, params=filters)
            assert answer.status_code == 200, answer.text
            return [one["EventId"] for one in answer.json()["items"]]

        assert await pulled() == [course, work]
        assert await pulled(category="WORK") == [work]
        assert await pulled(eventType="AI_COMP_SUCCESS") == [course]
        assert await pulled(publisherProgramId=hub.programs.publisher) == [course, work]
        first = (await hub.system.get(f"/events/{course}")).json()["CreatedUtc"]
        assert await pulled(since=first) == [work]
        assert await pulled(until=first) == [course]
        assert is_problem(await hub.stranger.get(place), 404)


@pytest.mark.parametrize("prefix", PREFIXES)
class TestSubscriptions:
    async def test_a_subscription_is_made_read_changed_and_deleted(
        self, hub: LearningHub, prefix: str
    ) -> None:
        places = f"{prefix}/programs/{hub.programs.subscriber}/eventSubs"
        new = {
            "PublisherProgramId": hub.programs.publisher,
            "SyncEnabled": True,
            "LbApiPayloadTemplate": EVERYTHING,
        }

        made = await hub.system.post(places, json=new)

        assert is_empty(made, 201)
        place = f"{places}/{hub.programs.publisher}"
        assert (await hub.subscriber.get(made.headers["Location"])).status_code == 200
        assert is_problem(await hub.system.post(places, json=new), 409)
        found = (await hub.subscriber_reader.get(place)).json()
        assert re.fullmatch(UTC, found["CreatedUtc"])
        assert found == {
            "ProgramId": hub.programs.subscriber,
            "PublisherProgramId": hub.programs.publisher,
            "CreatedUtc": found["CreatedUtc"],
            "LastSyncUtc": None,
            "SyncEnabled": True,
            "LbApiPayloadTemplate": EVERYTHING,
        }
        assert (await hub.subscriber_reader.get(places)).json() == [found]

        for change in (hub.system.patch, hub.system.put):
            moment = "2026-01-31T12:00:00Z"
            changed = await change(place, json={"LastSyncUtc": moment, "SyncEnabled": False})
            assert is_empty(changed, 204)
        found = (await hub.subscriber.get(place)).json()
        assert found["LastSyncUtc"].startswith("2026-01-31T12:00:00")
        assert (found["SyncEnabled"], found["LbApiPayloadTemplate"]) == (False, EVERYTHING)

        assert is_empty(await hub.system.delete(place), 204)
        assert is_problem(await hub.system.get(place), 404)

    async def test_writing_subscriptions_needs_a_system_key(
        self, hub: LearningHub, prefix: str
    ) -> None:
        await hub.subscribe()
        places = f"{prefix}/programs/{hub.programs.subscriber}/eventSubs"
        place = f"{places}/{hub.programs.publisher}"

        for answer in (
            await hub.subscriber.post(places, json={"PublisherProgramId": hub.programs.stranger}),
            await hub.subscriber.patch(place, json={"SyncEnabled": False}),
            await hub.subscriber.put(place, json={"SyncEnabled": False}),
            await hub.subscriber.delete(place),
        ):
            assert is_problem(answer, 403)
        assert is_problem(await hub.stranger.get(place), 404)
        assert is_problem(await hub.stranger.get(places), 404)

    async def test_a_bad_template_is_refused_with_its_place(
        self, hub: LearningHub, prefix: str
    ) -> None:
        template = {"*": EVERYTHING["*"] | {"batchRowTemplate": '{\n  "a": {{#if b}}}'}}

        refused = await hub.system.post(
            f"{prefix}/programs/{hub.programs.subscriber}/eventSubs",
            json={
                "PublisherProgramId": hub.programs.publisher,
                "SyncEnabled": True,
                "LbApiPayloadTemplate": template,
            },
        )

        assert is_problem(refused, 422)
        assert "line 2" in refused.text
        assert refused.json()["errors"][0]["pointer"].startswith("/LbApiPayloadTemplate/*")

    async def test_a_template_is_tried_on_an_event(self, hub: LearningHub, prefix: str) -> None:
        template = '{"Course": "{{course.name}}", "Type": "{{@event.EventType}}"}'

        good = await hub.publisher.post(
            f"{prefix}/events/preview", json={"template": template, "event": hub.an_event()}
        )
        bad = await hub.publisher.post(
            f"{prefix}/events/preview",
            json={"template": template + "{{/if}}", "event": hub.an_event()},
        )

        assert good.status_code == 200, good.text
        assert good.json()["row"] == {"Course": "On Engines", "Type": "AI_COMP_SUCCESS"}
        assert is_problem(bad, 422)
        assert "line 1" in bad.text


@pytest.mark.parametrize("prefix", PREFIXES)
class TestSyncs:
    async def sync(
        self, hub: LearningHub, prefix: str, by: httpx.AsyncClient | None = None
    ) -> httpx.Response:
        return await (by or hub.subscriber).post(
            f"{prefix}/processEvents", params={"programId": hub.programs.subscriber}
        )

    async def connect(self, hub: LearningHub) -> None:
        """Let the sandbox be the LearningBuilder of the subscriber."""
        changed = await hub.subscriber.patch(
            f"/programs/{hub.programs.subscriber}",
            json={"LbApiUrl": hub.learningbuilder_url, "LbApiKey": LB_KEY},
        )
        assert changed.status_code == 204, changed.text

    async def test_a_sync_sends_what_is_new_and_once(self, hub: LearningHub, prefix: str) -> None:
        await self.connect(hub)
        await hub.subscribe()
        for _ in range(3):
            await hub.publish()

        first, again = await self.sync(hub, prefix), await self.sync(hub, prefix)

        assert (first.status_code, again.status_code) == (200, 200), first.text + again.text
        (batch,) = first.json()["batches"]
        assert {name: batch[name] for name in ("publisher", "importProcessId", "rows")} == {
            "publisher": hub.programs.publisher,
            "importProcessId": 7,
            "rows": 3,
        }
        assert batch["queueBatchId"]
        assert batch["queueBatchDetails"]
        assert again.json()["batches"] == []
        place = f"/programs/{hub.programs.subscriber}/eventSubs/{hub.programs.publisher}"
        newest = (await hub.subscriber.get(f"/programs/{hub.programs.subscriber}/events")).json()
        moved = (await hub.subscriber.get(place)).json()["LastSyncUtc"]
        assert moved >= newest["items"][-1]["CreatedUtc"]
        listed = await hub.subscriber_reader.get(f"/api/programs/{hub.programs.subscriber}/syncs")
        assert len(listed.json()["items"]) == 2

    async def test_setting_the_last_sync_back_replays(self, hub: LearningHub, prefix: str) -> None:
        await self.connect(hub)
        await hub.subscribe()
        await hub.publish()
        await self.sync(hub, prefix)
        place = f"/programs/{hub.programs.subscriber}/eventSubs/{hub.programs.publisher}"

        await hub.system.patch(place, json={"LastSyncUtc": "2026-01-01T00:00:00Z"})

        assert (await self.sync(hub, prefix)).json()["batches"][0]["rows"] == 1

    async def test_what_templates_ignore_is_counted(self, hub: LearningHub, prefix: str) -> None:
        await self.connect(hub)
        await hub.subscribe(LbApiPayloadTemplate={"*": {"action": "ignore"}})
        await hub.publish()

        synced = await self.sync(hub, prefix)

        assert (synced.status_code, synced.json()["batches"]) == (200, [])
        assert synced.json()["skipped"] == 1

    async def test_who_may_not_write_may_not_sync(self, hub: LearningHub, prefix: str) -> None:
        assert is_problem(await self.sync(hub, prefix, hub.subscriber_reader), 403)
        assert is_problem(await self.sync(hub, prefix, hub.stranger), 404)
        assert is_problem(
            await hub.system.post(f"{prefix}/processEvents", params={"programId": UNKNOWN}), 404
        )

    async def test_a_template_that_fails_is_named_with_event_and_place(
        self, hub: LearningHub, prefix: str
    ) -> None:
        await self.connect(hub)
        row = '{"Age": {{age}} }'
        await hub.subscribe(LbApiPayloadTemplate={"*": EVERYTHING["*"] | {"batchRowTemplate": row}})
        await hub.publish(PublisherEventData={"age": 36})
        bad = await hub.publish(PublisherEventData={"age": "thirty six"})

        synced = await self.sync(hub, prefix)

        assert is_problem(synced, 422)
        assert bad in synced.text
        assert [batch["rows"] for batch in synced.json()["batches"]] == [1]

    @pytest.mark.parametrize(("mode", "status"), [(403, 502), (500, 502), ("reset", 504)], ids=str)
    async def test_a_learningbuilder_that_fails_is_told_of(
        self, hub: LearningHub, prefix: str, mode: int | str, status: int
    ) -> None:
        await self.connect(hub)
        await hub.subscribe()
        await hub.publish()
        hub.stack.sandbox.change({"batches": mode})

        assert is_problem(await self.sync(hub, prefix), status)

        hub.stack.sandbox.change({"batches": "ok"})
        assert (await self.sync(hub, prefix)).json()["batches"][0]["rows"] == 1
