"""Syncs by HTTP: what is answered when all goes well, and when it does not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

import httpx
import pytest

from config.sandbox.imports import API_KEY
from config.sandbox.server import listening
from config.sandbox.state import Sandbox
from tests.hub.api.conftest import Hub, errors_of
from tests.waiting import until

TEMPLATE = {
    "COURSE": {"importProcessId": 42, "batchRowTemplate": '{"n": {{n}} }'},
    "WORK": {"importProcessId": "007", "batchRowTemplate": '{"n": {{n}} }'},
}
PROCESS = "/api/processEvents?programId=ACME"


@dataclass
class Scene:
    """ACME, with a LearningBuilder, subscribed to OTHER."""

    hub: Hub
    sandbox: Sandbox
    published: int = 0

    async def publish(self, *categories: str, data: object = None) -> None:
        for category in categories:
            self.published += 1
            event = {
                "EventId": f"OTHER-{self.published}",
                "PublisherProgramId": "OTHER",
                "EventType": "AI_COMP_SUCCESS",
                "PublisherParticipantId": "ann",
                "PublisherEventCategory": category,
                "PublisherEventData": data or {"n": self.published},
                "EventStartUtc": "2026-03-02T09:00:00Z",
            }
            answer = await self.hub.other.post("/api/events", json=event)
            assert answer.status_code == 201, answer.text

    async def cursor(self) -> object:
        answer = await self.hub.system.get("/api/programs/ACME/eventSubs/OTHER")
        return answer.json()["LastSyncUtc"]


@pytest.fixture
async def scene(hub: Hub) -> AsyncIterator[Scene]:
    sandbox = Sandbox(hub.clock)
    async with listening(sandbox, smtp_port=None) as at:
        await hub.house.programs.change(
            "ACME", {"lb_api_url": at.url, "lb_api_key": API_KEY}, by="test"
        )
        made = await hub.system.post(
            "/api/programs/ACME/eventSubs",
            json={
                "PublisherProgramId": "OTHER",
                "SyncEnabled": True,
                "LbApiPayloadTemplate": TEMPLATE,
            },
        )
        assert made.status_code == 201, made.text
        yield Scene(hub, sandbox)


@pytest.mark.parametrize("prefix", ["/api", ""])
async def test_a_sync_tells_its_batches(scene: Scene, prefix: str) -> None:
    await scene.publish("COURSE", "OTHER", "WORK", "COURSE")

    answer = await scene.hub.acme.post(f"{prefix}/processEvents", params={"programId": "ACME"})

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["skipped"] == 1
    assert [
        (one["publisher"], one["importProcessId"], one["rows"], one["repeated"])
        for one in told["batches"]
    ] == [("OTHER", 42, 2, False), ("OTHER", "007", 1, False)]
    first, *_ = told["batches"]
    assert first["queueBatchId"] == "batch-1"
    assert first["queueBatchDetails"].endswith("/batches/batch-1")
    assert first["fileName"].startswith("ACME from OTHER, process 42, ")


async def test_a_body_does_no_harm(scene: Scene) -> None:
    answer = await scene.hub.acme.post(PROCESS, json={"ProgramId": "ACME"})

    assert answer.status_code == 200


async def test_nothing_new_is_no_batch(scene: Scene) -> None:
    answer = await scene.hub.acme.post(PROCESS)

    assert answer.status_code == 200
    told = answer.json()
    assert told == {"syncId": told["syncId"], "batches": [], "skipped": 0}


@pytest.mark.parametrize(
    ("who", "program", "status"),
    [
        ("system", "ACME", 200),
        ("acme", "ACME", 200),
        ("reader", "ACME", 403),
        ("other", "ACME", 404),
        ("nobody", "ACME", 401),
        ("system", "NONE", 404),
        ("acme", "NONE", 404),
    ],
)
async def test_who_may_sync(scene: Scene, who: str, program: str, status: int) -> None:
    client: httpx.AsyncClient = getattr(scene.hub, who)

    answer = await client.post("/api/processEvents", params={"programId": program})

    assert answer.status_code == status
    if status != 200:
        errors_of(answer)


async def test_the_program_must_be_named(scene: Scene) -> None:
    answer = await scene.hub.acme.post("/api/processEvents")

    assert answer.status_code == 422
    assert "programId" in answer.json()["detail"]


async def test_a_program_without_a_learning_builder_cannot_be_synced(scene: Scene) -> None:
    answer = await scene.hub.other.post("/api/processEvents?programId=OTHER")

    assert answer.status_code == 422
    assert answer.json()["detail"].endswith("it has no LbApiUrl and no LbApiKey")


@pytest.mark.parametrize(
    ("wish", "status", "kind"),
    [
        (400, 502, "refused"),
        (401, 502, "refused"),
        (500, 502, "unknown"),
        ("apply_then_503", 502, "unknown"),
        ("close", 504, "silent"),
        ("apply_then_reset", 504, "silent"),
    ],
)
async def test_what_learning_builder_does_not_take_is_told(
    scene: Scene, wish: object, status: int, kind: str
) -> None:
    await scene.publish("COURSE", "WORK")
    scene.sandbox.change({"batches": {**_switch(wish), "times": 1}})

    answer = await scene.hub.acme.post(PROCESS)

    assert answer.status_code == status
    errors_of(answer)
    told = answer.json()
    assert [one["importProcessId"] for one in told["batches"]] == ["007"]
    (failure,) = told["failures"]
    assert (failure["kind"], failure["publisher"], failure["importProcessId"]) == (
        kind,
        "OTHER",
        42,
    )
    assert failure["fileName"].startswith("ACME from OTHER")
    assert await scene.cursor() is None

    again = await scene.hub.acme.post(PROCESS)
    assert again.status_code == 200
    assert [one["repeated"] for one in again.json()["batches"]] == [kind != "refused"]
    assert await scene.cursor() is not None


async def test_a_learning_builder_that_hangs_is_answered_504(scene: Scene) -> None:
    await scene.publish("COURSE")
    scene.sandbox.change({"batches": "silent"})
    running = asyncio.create_task(scene.hub.acme.post(PROCESS))
    await until(lambda: scene.sandbox.imports.attempts == 1)

    busy = await scene.hub.acme.post(PROCESS)
    answer = await running

    assert busy.status_code == 409
    assert answer.status_code == 504
    assert "did not answer within 5 seconds" in answer.json()["detail"]


async def test_nobody_listening_is_answered_502(scene: Scene, unused_tcp_port: int) -> None:
    await scene.publish("COURSE")
    url = f"http://127.0.0.1:{unused_tcp_port}"
    await scene.hub.house.programs.change("ACME", {"lb_api_url": url}, by="test")

    answer = await scene.hub.acme.post(PROCESS)

    assert answer.status_code == 502
    assert [one["kind"] for one in answer.json()["failures"]] == ["unreached"]


async def test_an_address_that_may_not_be_reached_is_answered_502(scene: Scene) -> None:
    await scene.publish("COURSE")
    url = "https://10.0.0.1"
    await scene.hub.house.programs.change("ACME", {"lb_api_url": url}, by="test")

    answer = await scene.hub.acme.post(PROCESS)

    assert answer.status_code == 502
    assert [one["kind"] for one in answer.json()["failures"]] == ["refused"]


async def test_a_template_that_fails_names_event_and_place(scene: Scene) -> None:
    await scene.publish("WORK")
    await scene.publish("COURSE", data={"n": "no number"})

    answer = await scene.hub.acme.post(PROCESS)

    assert answer.status_code == 422
    told = answer.json()
    assert "OTHER-2" in told["detail"]
    (failure,) = told["failures"]
    assert (failure["kind"], failure["publisher"], failure["eventId"], failure["template"]) == (
        "template",
        "OTHER",
        "OTHER-2",
        "COURSE",
    )
    assert [one["rows"] for one in told["batches"]] == [1]


async def test_a_silence_counts_more_than_a_fault(scene: Scene) -> None:
    await scene.publish("WORK")
    await scene.publish("COURSE", data={"n": "no number"})
    scene.sandbox.change({"batches": "reset"})

    answer = await scene.hub.acme.post(PROCESS)

    assert answer.status_code == 504
    assert [one["kind"] for one in answer.json()["failures"]] == ["template", "silent"]
    assert answer.json()["detail"].endswith("(and 1 more)")


async def test_runs_can_be_read(scene: Scene) -> None:
    await scene.publish("COURSE", "OTHER")
    scene.sandbox.change({"batches": {"mode": "status", "status": 400, "times": 1}})
    failed = (await scene.hub.acme.post(PROCESS)).json()["syncId"]
    scene.hub.clock.move(minutes=1)
    mended = (await scene.hub.acme.post(PROCESS)).json()["syncId"]

    listed = (await scene.hub.reader.get("/api/programs/ACME/syncs")).json()
    shown = (await scene.hub.reader.get(f"/programs/ACME/syncs/{failed}")).json()

    assert listed["next"] is None
    assert [(one["syncId"], one["state"]) for one in listed["items"]] == [
        (mended, "succeeded"),
        (failed, "failed"),
    ]
    assert (shown["events"], shown["skipped"], shown["trigger"]) == (2, 1, "call")
    assert shown["by"].startswith("acme (key ")
    assert [one["kind"] for one in shown["errors"]] == ["refused"]
    (batch,) = shown["batches"]
    assert (batch["state"], batch["status"], batch["rows"]) == ("refused", 400, 1)
    assert "told to answer 400" in batch["answer"]
    assert batch["firstEventAt"] == batch["lastEventAt"]
    until_then, last = (datetime.fromisoformat(at) for at in (shown["until"], batch["lastEventAt"]))
    assert until_then >= last


async def test_runs_are_paged(scene: Scene) -> None:
    for _ in range(3):
        scene.hub.clock.move(minutes=1)
        await scene.hub.acme.post(PROCESS)

    first = (await scene.hub.acme.get("/api/programs/ACME/syncs?limit=2")).json()
    rest = (
        await scene.hub.acme.get(
            "/api/programs/ACME/syncs", params={"limit": 2, "cursor": first["next"]}
        )
    ).json()

    ids = [one["syncId"] for one in first["items"] + rest["items"]]
    assert len(set(ids)) == 3
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("other", "", 404),
        ("nobody", "", 401),
        ("acme", "?cursor=nonsense", 400),
        ("acme", "/3f1d5a0e-9d0c-4b7b-8f5e-0a4a3b1c2d4e", 404),
        ("acme", "/nonsense", 404),
        ("acme", "/%00", 404),
    ],
)
async def test_runs_that_are_not_there_or_not_to_be_seen(
    scene: Scene, who: str, path: str, status: int
) -> None:
    client: httpx.AsyncClient = getattr(scene.hub, who)

    answer = await client.get(f"/api/programs/ACME/syncs{path}")

    assert answer.status_code == status
    errors_of(answer)


async def test_a_run_of_another_program_is_not_there(scene: Scene) -> None:
    sync_id = (await scene.hub.acme.post(PROCESS)).json()["syncId"]

    answer = await scene.hub.system.get(f"/api/programs/OTHER/syncs/{sync_id}")

    assert answer.status_code == 404


async def test_a_caller_that_hangs_up_ends_no_run(scene: Scene) -> None:
    await scene.publish("COURSE")
    scene.sandbox.change({"batches": {"mode": "slow", "seconds": 0.2}})
    calling = asyncio.create_task(scene.hub.acme.post(PROCESS))
    await until(lambda: scene.sandbox.imports.attempts == 1)

    calling.cancel()
    await asyncio.wait({calling})

    await until(lambda: _is_state(scene, "succeeded"), what="the end of the run")
    assert await scene.cursor() is not None


async def test_a_run_is_closed_when_the_process_ends(scene: Scene) -> None:
    await scene.publish(*["COURSE"] * 12)
    scene.sandbox.change({"batches": {"mode": "slow", "seconds": 0.2}})
    calling = asyncio.create_task(scene.hub.acme.post(PROCESS))
    await until(lambda: scene.sandbox.imports.attempts == 1)

    scene.hub.house.synchronizer.stop()
    answer = await calling

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert [one["rows"] for one in answer.json()["batches"]] == [5]
    assert await _is_state(scene, "cut_short")


async def _is_state(scene: Scene, state: str) -> bool:
    answer = await scene.hub.acme.get("/api/programs/ACME/syncs")
    return bool(answer.json()["items"][0]["state"] == state)


def _switch(wish: object) -> dict[str, object]:
    return {"mode": "status", "status": wish} if isinstance(wish, int) else {"mode": wish}


async def test_a_sync_need_not_be_waited_for(scene: Scene) -> None:
    await scene.publish("COURSE", "WORK")
    scene.sandbox.change({"batches": "silent"})

    begun = await scene.hub.acme.post(f"{PROCESS}&wait=false")

    assert begun.status_code == 202
    place = begun.headers["Location"]
    assert place == f"/programs/ACME/syncs/{begun.json()['syncId']}"
    await until(lambda: scene.sandbox.imports.attempts == 1)
    shown = (await scene.hub.reader.get(place)).json()
    assert (shown["state"], [one["state"] for one in shown["batches"]]) == ("running", ["sending"])
    assert (await scene.hub.acme.post(f"{PROCESS}&wait=false")).status_code == 409


async def test_what_keeps_a_sync_from_beginning_is_told_also_if_nobody_waits(hub: Hub) -> None:
    answer = await hub.other.post("/api/processEvents?programId=OTHER&wait=false")

    assert answer.status_code == 422
    assert "no LbApiUrl" in answer.json()["detail"]


async def test_the_list_of_runs_adds_their_batches_up(scene: Scene) -> None:
    await scene.publish("COURSE", "COURSE", "WORK")
    scene.sandbox.change({"batches": {**_switch(400), "times": 1}})
    await scene.hub.acme.post(PROCESS)

    (run,) = (await scene.hub.reader.get("/api/programs/ACME/syncs")).json()["items"]

    assert (run["batches"], run["rows"]) == (2, 1)
