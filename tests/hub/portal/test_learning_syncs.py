"""The pages of syncs: one begun now and watched, what LearningBuilder said, what failed where."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from config.sandbox.imports import API_KEY
from config.sandbox.server import listening
from config.sandbox.state import Sandbox
from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import Browser
from tests.hub.portal.learning import COURSE, ROOT, publish, subscribe
from tests.waiting import until

Keys = dict[str, str]
SYNCS = f"{ROOT}/syncs"


@dataclass
class Scene:
    """Somebody of ACME with a browser, and ACME's LearningBuilder."""

    browser: Browser
    sandbox: Sandbox
    hub: Hub

    async def begin(self) -> str:
        """Begin a sync, and wait for its end; where it is shown."""
        await self.browser.go(SYNCS)
        answer = await self.browser.send(SYNCS)
        assert answer.status_code == 200, self.browser.text
        path = answer.url.path
        sync = path.rpartition("/")[2]

        async def is_over() -> bool:
            shown = await self.hub.reader.get(f"/api/programs/ACME/syncs/{sync}")
            return bool(shown.json()["state"] != "running")

        await until(is_over)
        await self.browser.go(path)
        return path


@pytest.fixture
async def scene(hub: Hub, browser: Browser, keys: Keys) -> AsyncIterator[Scene]:
    sandbox = Sandbox(hub.clock)
    async with listening(sandbox, smtp_port=None) as at:
        await hub.house.programs.change(
            "ACME", {"lb_api_url": at.url, "lb_api_key": API_KEY}, by="test"
        )
        await subscribe(hub, {"COURSE": COURSE, "WORK": {**COURSE, "importProcessId": 8}})
        await browser.sign_in(keys["acme"])
        yield Scene(browser, sandbox, hub)


async def test_a_sync_is_begun_and_its_batches_are_shown(scene: Scene) -> None:
    await scene.browser.go(SYNCS)
    assert "No sync has run yet." in scene.browser.text
    await publish(scene.hub, "OTHER-1")
    await publish(scene.hub, "OTHER-2", PublisherEventCategory="NEWS")

    path = await scene.begin()

    assert "Everything that was new went to LearningBuilder." in scene.browser.text
    assert "Events 2 Ignored 1 Batches 1 Rows taken 1" in scene.browser.text
    assert "OTHER, process 7 · 1 row" in scene.browser.text
    assert "ACME from OTHER, process 7" in scene.browser.text
    assert "batch-1" in scene.browser.text
    assert "/batches/batch-1" in scene.browser.text
    await scene.browser.go(SYNCS)
    assert "acme (key" in scene.browser.text
    part = await scene.browser.go(f"{SYNCS}/rows")
    assert path in part.text
    assert "<html" not in part.text
    await scene.begin()
    assert "Nothing was new." in scene.browser.text


async def test_a_running_sync_is_watched_and_no_other_begins(scene: Scene) -> None:
    await publish(scene.hub, "OTHER-1")
    scene.sandbox.change({"batches": "silent"})
    await scene.browser.go(SYNCS)
    answer = await scene.browser.send(SYNCS)
    path = answer.url.path
    await until(lambda: scene.sandbox.imports.attempts == 1)

    running = await scene.browser.go(f"{path}/state")
    assert 'hx-trigger="every 1s"' in running.text
    assert "The sync is under way." in scene.browser.text
    assert "being sent" in scene.browser.text
    await scene.browser.go(SYNCS)
    busy = await scene.browser.send(SYNCS)
    assert busy.status_code == 409
    assert "A sync of this program is running already." in scene.browser.text


async def test_a_refusal_is_told_in_learning_builders_words(scene: Scene) -> None:
    await publish(scene.hub, "OTHER-1", PublisherEventData={"n": 1})
    scene.sandbox.change({"batches": {"mode": "status", "status": 400, "times": 1}})

    await scene.begin()

    assert "LearningBuilder refused a batch" in scene.browser.text
    assert "the sandbox was told to answer 400" in scene.browser.text
    assert "Status 400" in scene.browser.text
    assert "every 1s" not in scene.browser.answer.text


async def test_silence_is_told_as_not_knowing(scene: Scene) -> None:
    await publish(scene.hub, "OTHER-1")
    scene.sandbox.change({"batches": "reset"})

    await scene.begin()

    assert "LearningBuilder was silent" in scene.browser.text
    assert "The next sync repeats the batch." in scene.browser.text


async def test_a_template_that_fails_is_told_with_event_and_place(scene: Scene) -> None:
    await publish(scene.hub, "OTHER-1", PublisherEventData={"n": "<i>many</i>"})

    await scene.begin()

    assert "A template fails" in scene.browser.text
    assert "Event OTHER-1 , template COURSE , line 2." in scene.browser.text
    assert "<i>many" not in scene.browser.answer.text


async def test_without_a_learning_builder_it_is_said_what_is_missing(
    browser: Browser, keys: Keys
) -> None:
    await browser.sign_in(keys["other"])
    await browser.go(SYNCS)
    assert "needs the address and the key" in browser.text

    answer = await browser.send(SYNCS)

    assert answer.status_code == 422
    assert "it has no LbApiUrl and no LbApiKey" in browser.text


async def test_who_may_only_read_sees_syncs_and_begins_none(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["reader"])
    await browser.go(SYNCS)
    assert "Sync now" not in browser.text
    assert (await browser.send(SYNCS)).status_code == 403
    assert (await browser.go(f"{SYNCS}/nothing")).status_code == 404
