"""Events of a program become statements for each of its integrations."""

from collections.abc import Sequence

import pytest

from delivery.facts.errors import QueueFull, StoreUnavailable
from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement
from delivery.intake import Taken
from hub.conversion.step import MOST_EVENTS, MOST_TRIED_AGAIN
from hub.errors import RegistryUnavailable
from hub.events.event import EventType
from hub.registry.parties.providers import ProviderStatus
from hub.templates.fault import RendererDown
from tests.fakes.fuses import Fuse, FusedDatabase
from tests.fakes.renderer import FakeRenderer
from tests.hub.conversion.trouble import FusedRenderer, Refusing
from tests.hub.conversion.world import BAD, BROKEN, GOOD, TEMPLATE, World
from tests.hub.registry.clearing_house.publishing import START, publish


async def test_each_event_becomes_a_statement_for_each_integration_in_order(world: World) -> None:
    events = [f"ACME-{number}" for number in range(2 * MOST_EVENTS + 1)]
    await world.publish(*events)

    await world.worker().run()

    assert await world.queued(world.lms) == await world.ids(world.lms, *events)
    assert await world.queued(world.sso) == await world.ids(world.sso, *events)
    assert (await world.conversions.counts(await world.conversion())).waiting == 0
    assert world.mailbox.words == []


async def test_other_events_and_other_programs_make_no_statement(world: World) -> None:
    await publish(world.database, "ACME-1", data=GOOD, event_type=EventType.AI_STARTED)
    await world.publish("OTHER-1", program="OTHER")

    await world.worker().run()

    assert await world.queued(world.lms) == []
    assert await world.failures() == {}


async def test_an_integration_gets_the_events_from_when_it_was_there(world: World) -> None:
    await world.conversions.save("OTHER", TEMPLATE, by="test")
    await world.publish("OTHER-1", program="OTHER")
    await world.worker().run()

    later = await world.integrate("lms", "OTHER")
    await world.publish("OTHER-2", program="OTHER")
    await world.worker().run()

    assert await world.queued(later) == await world.ids(later, "OTHER-2")


async def test_a_rewound_cursor_makes_the_same_statements_which_are_duplicates(
    world: World,
) -> None:
    await world.publish("ACME-1", "ACME-2")
    await world.worker().run()

    await world.conversions.save("ACME", TEMPLATE, since=START, by="test")
    await world.publish("ACME-3")
    await world.worker().run()

    assert await world.queued(world.lms) == await world.ids(world.lms, "ACME-1", "ACME-2", "ACME-3")
    assert await world.failures() == {}


async def test_what_cannot_be_converted_is_set_aside_and_the_rest_goes_on(world: World) -> None:
    await world.publish("ACME-1")
    await world.publish("ACME-2", data=BAD)
    await world.publish("ACME-3", data=BROKEN)
    await world.publish("ACME-4")

    await world.worker().run()

    assert await world.queued(world.lms) == await world.ids(world.lms, "ACME-1", "ACME-4")
    assert await world.failures() == {
        "ACME-2": "/learner must have an email or an ssoId",
        "ACME-3": "the template: makes no JSON (line 1, column 1)",
    }
    (words,) = world.mailbox.words
    assert "ACME-3 could not be made into a completion" in words
    assert "/api/programs/ACME/eventCompletions/failures" in words


async def test_failures_are_tried_again_when_the_template_is_saved(world: World) -> None:
    bad = [f"ACME-{number}" for number in range(2 * MOST_TRIED_AGAIN + 1)]
    await world.publish(*bad, data=BAD)
    await world.publish("ACME-b", data=BROKEN)
    await world.worker().run()
    await world.publish("ACME-z")

    fixed = TEMPLATE.replace("{{email}}", "ann@acme.example").replace("{{sso}}", "ann")
    await world.save(fixed)
    await world.worker().run()

    assert await world.queued(world.lms) == await world.ids(world.lms, *bad, "ACME-z")
    assert (await world.failures()).keys() == {"ACME-b"}
    await world.worker().run()
    assert len(world.mailbox.words) == 2

    await world.save('{"learner": {"ssoId": "ann"}, "course": {"uri": "x:y"}}')
    await world.worker().run()
    assert await world.failures() == {}
    assert world.mailbox.words[2:] == ["ACME: all is well"]


async def test_a_failure_whose_event_was_deleted_is_forgotten(world: World) -> None:
    await world.publish("ACME-1", data=BAD)
    await world.worker().run()

    await world.delete_event("ACME-1")
    await world.save(TEMPLATE)
    await world.worker().run()

    assert await world.rows_of_failures() == 0


async def test_an_event_that_was_told_with_other_content_is_set_aside(world: World) -> None:
    await world.publish("ACME-1")
    await world.worker().run()
    before = await world.queued(world.lms)

    other = TEMPLATE.replace("{{course}}", "https://acme.example/courses/2")
    await world.conversions.save("ACME", other, since=START, by="test")
    await world.publish("ACME-2")
    await world.worker().run()

    assert await world.queued(world.lms) == before + await world.ids(world.lms, "ACME-2")
    assert (await world.failures()).keys() == {"ACME-1"}
    assert "was told of this event before, with other content" in (await world.failures())["ACME-1"]

    await world.conversions.save("ACME", TEMPLATE, by="test")
    await world.worker().run()
    assert await world.failures() == {}


async def test_nobody_who_can_be_told_is_a_failure_and_one_of_two_is_not(world: World) -> None:
    only_sso = GOOD.replace("ann@acme.example", "")
    await world.publish("ACME-1", data=only_sso)
    await world.providers.change("lms", {"status": ProviderStatus.DISABLED}, by="test")
    await world.publish("ACME-2", data=GOOD.replace('"sso": "ann"', '"sso": ""'))

    await world.worker().run()

    assert await world.queued(world.sso) == await world.ids(world.sso, "ACME-1")
    assert await world.queued(world.lms) == []
    assert (await world.failures()).keys() == {"ACME-2"}
    assert f"integration {world.sso}" in (await world.failures())["ACME-2"]


async def test_a_disabled_provider_is_passed_over(world: World) -> None:
    for provider in ("lms", "sso"):
        await world.providers.change(provider, {"status": ProviderStatus.DISABLED}, by="test")
    await world.publish("ACME-1")

    await world.worker().run()

    assert await world.queued(world.lms) == []
    assert await world.failures() == {}
    assert (await world.conversions.counts(await world.conversion())).waiting == 0


async def test_a_full_queue_holds_the_program_up_and_nothing_is_lost_or_doubled(
    world: World,
) -> None:
    await world.publish("ACME-1", "ACME-2", "ACME-3")
    before = await world.conversion()
    full = world.worker(intake=Refusing(world.intake(), world.lms, lambda: QueueFull("full")))

    await full.run()
    held_up = await world.conversion()
    told = await world.queued(world.sso)
    await world.worker("worker-2").run()
    left_alone = await world.queued(world.lms)
    world.clock.move(seconds=6)
    await world.worker("worker-2").run()

    assert held_up == before
    assert told == await world.ids(world.sso, "ACME-1", "ACME-2", "ACME-3")
    assert left_alone == []
    assert await world.queued(world.sso) == told
    assert await world.queued(world.lms) == await world.ids(world.lms, "ACME-1", "ACME-2", "ACME-3")


async def test_an_integration_deleted_meanwhile_holds_up_until_it_is_gone(world: World) -> None:
    await world.publish("ACME-1")
    await world.control.remove(world.lms, discard=True)

    await world.worker().run()
    told = await world.queued(world.sso)
    waiting = (await world.conversions.counts(await world.conversion())).waiting
    await world.upkeep.delete(world.lms, discard=True, by="test")
    world.clock.move(seconds=6)
    await world.worker().run()

    assert told == await world.ids(world.sso, "ACME-1")
    assert waiting == 1
    assert await world.queued(world.sso) == told
    assert (await world.conversions.counts(await world.conversion())).waiting == 0


async def test_a_redis_that_is_away_is_waited_for(world: World) -> None:
    await world.publish("ACME-1")
    away = Refusing(world.intake(), world.sso, lambda: StoreUnavailable("away"))

    await world.worker(intake=away).run()
    world.clock.move(seconds=6)
    await world.worker().run()

    assert await world.queued(world.lms) == await world.ids(world.lms, "ACME-1")
    assert await world.queued(world.sso) == await world.ids(world.sso, "ACME-1")


async def test_a_renderer_that_cannot_be_started_is_waited_for(world: World) -> None:
    await world.publish("ACME-1")
    fuse = Fuse(lambda: RendererDown("no process"), at=1)

    await world.worker(renderer=FusedRenderer(FakeRenderer(), fuse)).run()
    failures = await world.failures()
    world.clock.move(seconds=6)
    await world.worker().run()

    assert failures == {}
    assert await world.queued(world.lms) == await world.ids(world.lms, "ACME-1")


async def test_one_program_in_trouble_keeps_no_other_from_its_turn(world: World) -> None:
    other = await world.integrate("lms", "OTHER")
    world.clock.move(seconds=1)
    await world.save(TEMPLATE, "OTHER")
    await world.publish("ACME-1")
    await world.publish("OTHER-1", program="OTHER")

    await world.worker(
        intake=Refusing(world.intake(), world.lms, lambda: ZeroDivisionError("a bug"))
    ).run()

    assert await world.queued(other) == await world.ids(other, "OTHER-1")
    assert await world.queued(world.lms) == []
    world.clock.move(seconds=6)
    await world.worker().run()
    assert await world.queued(world.lms) == await world.ids(world.lms, "ACME-1")


async def test_a_long_backlog_leaves_the_others_their_turn(world: World) -> None:
    other = await world.integrate("lms", "OTHER")
    world.clock.move(seconds=1)
    await world.save(TEMPLATE, "OTHER")
    events = [f"ACME-{number}" for number in range(3 * MOST_EVENTS)]
    await world.publish(*events)
    await world.publish("OTHER-1", program="OTHER")
    order: list[str] = []
    slow = Noting(world, order)

    await world.worker(intake=slow).run()

    assert order == [world.lms, world.sso, other, world.lms, world.sso, world.lms, world.sso]
    assert await world.queued(world.lms) == await world.ids(world.lms, *events)


async def test_sql_that_is_away_is_told_to_the_errand(world: World, sqlite_url: str) -> None:
    await world.publish("ACME-1")
    away = FusedDatabase(sqlite_url, Fuse(lambda: RegistryUnavailable("away"), at=6))

    with pytest.raises(RegistryUnavailable):
        await world.worker(database=away).run()

    await away.close()


class Noting:
    """A front door that notes who is told, and needs a second and a half for it."""

    def __init__(self, world: World, order: list[str]) -> None:
        self._world = world
        self._order = order
        self._intake = world.intake()

    async def accept(self, integration_id: IntegrationId, statements: Sequence[Statement]) -> Taken:
        taken = await self._intake.accept(integration_id, statements)
        self._order.append(integration_id)
        self._world.clock.move(seconds=1.5)
        return taken
