"""What is accepted here arrives at a real LRS, as it was, and in order."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from delivery.facts.integration import Integration, IntegrationId
from delivery.facts.outcome import Reply
from delivery.facts.status import Status
from delivery.stores.keys import Keys
from delivery.stores.receipts import ReceiptState
from delivery.work.sending import Lrs
from hub.registry.parties.integrations import NewIntegration
from hub.registry.parties.providers import Provider
from tests.conformance.engine import Engine
from tests.conformance.running_ralph import Ralph
from tests.fakes.statements import a_statement, ids, statements

pytestmark = pytest.mark.asyncio(loop_scope="session")

LMS = Provider("lms", "An LMS")


class Died(Exception):
    """The worker is gone."""


class FatalLrs:
    """Posts as it should, and takes the worker with it before anybody hears the answer."""

    def __init__(self, lrs: Lrs) -> None:
        self._lrs = lrs
        self.reply: Reply | None = None

    async def send(
        self, integration: Integration, bodies: Sequence[bytes], token: str, traceparent: str = ""
    ) -> Reply:
        self.reply = await self._lrs.send(integration, bodies, token, traceparent)
        raise Died


async def die_after_sending(engine: Engine, integration_id: IntegrationId) -> None:
    """Let a worker die between the LRS's answer and its own settling, and its lease lapse."""
    fatal = replace(engine.drainer, lrs=FatalLrs(engine.drainer.lrs))
    with pytest.raises(Died):
        await fatal.drain(integration_id, lambda: False)
    await engine.store.ask(("DEL", Keys(integration_id).lease))


async def answers(engine: Engine, integration_id: IntegrationId) -> list[int | None]:
    """Give the statuses of all attempts, oldest first."""
    attempts, _ = await engine.control.attempts(integration_id)
    return [attempt.status for attempt in reversed(attempts)]


async def test_a_statement_arrives(to_ralph: Engine, ralph: Ralph, new: NewIntegration) -> None:
    await to_ralph.furnish(LMS)
    acme = await to_ralph.connect(new)

    await to_ralph.post(acme, a_statement(1000))

    stored = next(s for s in ralph.stored() if s["id"] == a_statement(1000).id)
    assert stored["timestamp"] == "2026-03-02T08:59:00.000Z"
    assert (await to_ralph.receipt(acme, a_statement(1000))).state is ReceiptState.DELIVERED
    assert await answers(to_ralph, acme) == [200]


async def test_large_integers_and_foreign_letters_survive(
    to_ralph: Engine, ralph: Ralph, new: NewIntegration
) -> None:
    await to_ralph.furnish(LMS)
    acme = await to_ralph.connect(new)
    said = {
        "https://acme.example/integer": 123456789012345678901234567890,
        "https://acme.example/decimal": 0.1,
        "https://acme.example/text": 'Zoë 日本 🎓 \u2028 " \\ \x7f',
        "https://acme.example/nothing": None,
    }
    statement = a_statement(1001, result={"extensions": said})

    await to_ralph.post(acme, statement)

    stored = next(s for s in ralph.stored() if s["id"] == statement.id)
    assert stored["result"] == {"extensions": said}
    assert "123456789012345678901234567890" in ralph.raw(statement.id)


async def test_statements_arrive_in_order_in_arrays_of_fifty(
    to_ralph: Engine, ralph: Ralph, new: NewIntegration
) -> None:
    await to_ralph.furnish(LMS)
    acme = await to_ralph.connect(replace(new, batch_size=50))
    posted = statements(150, start=2000)

    await to_ralph.post(acme, *posted)

    assert ralph.ids()[-150:] == ids(posted)
    assert await answers(to_ralph, acme) == [200, 200, 200]


async def test_what_a_dead_worker_sent_is_taken_for_delivered_when_the_lrs_has_it(
    to_ralph: Engine, ralph: Ralph, new: NewIntegration
) -> None:
    await to_ralph.furnish(LMS)
    acme = await to_ralph.connect(replace(new, batch_size=50))
    posted = statements(50, start=3000)
    await to_ralph.intake.accept(acme, posted)

    await die_after_sending(to_ralph, acme)
    await to_ralph.settle()

    assert await answers(to_ralph, acme) == [204]
    assert ralph.ids()[-50:] == ids(posted)
    assert (await to_ralph.health(acme)).queued == 0
    assert (await to_ralph.receipt(acme, posted[49])).state is ReceiptState.DELIVERED


async def test_a_shortened_list_of_ids_is_taken_for_all_of_them(
    to_ralph: Engine, ralph: Ralph, new: NewIntegration
) -> None:
    await to_ralph.furnish(LMS)
    acme = await to_ralph.connect(replace(new, batch_size=50))
    posted = statements(30, start=4000)
    await to_ralph.intake.accept(acme, posted[:10])

    await die_after_sending(to_ralph, acme)
    await to_ralph.post(acme, *posted[10:])

    (attempt,), _ = await to_ralph.control.attempts(acme)
    assert attempt.status == 200
    assert attempt.answer.count("-") == 4 * 20
    assert ralph.ids()[-30:] == ids(posted)
    assert (await to_ralph.health(acme)).queued == 0


@pytest.mark.parametrize("others", [0, 49])
async def test_other_content_under_a_known_id_is_parked_and_the_rest_arrives(
    to_ralph: Engine, ralph: Ralph, new: NewIntegration, others: int
) -> None:
    await to_ralph.furnish(LMS)
    await to_ralph.providers.create(Provider("other", "Another"), by="test")
    before = await to_ralph.connect(replace(new, provider="other"))
    posted = statements(1 + others, start=5000 + others)
    await to_ralph.post(before, posted[others // 2])
    posted[others // 2] = a_statement(5000 + others + others // 2, verb=posted_verb("failed"))
    acme = await to_ralph.connect(replace(new, batch_size=50))

    await to_ralph.post(acme, *posted)

    (parked,) = await to_ralph.parked(acme)
    assert (parked.statement_id, parked.status) == (posted[others // 2].id, 409)
    stored = ralph.ids()
    assert [stored.count(s.id) for s in posted] == [1] * len(posted)
    health = await to_ralph.health(acme)
    assert (health.status, health.queued) == (Status.FLOWING, 0)


async def test_one_bad_statement_in_an_array_is_parked_and_the_rest_arrives(
    to_ralph: Engine, ralph: Ralph, new: NewIntegration
) -> None:
    await to_ralph.furnish(LMS)
    acme = await to_ralph.connect(replace(new, batch_size=50))
    posted = statements(50, start=6000)
    posted[17] = a_statement(6017, object={})

    await to_ralph.post(acme, *posted)

    (parked,) = await to_ralph.parked(acme)
    assert (parked.statement_id, parked.status) == (posted[17].id, 422)
    assert ralph.ids()[-49:] == ids([*posted[:17], *posted[18:]])
    assert (await answers(to_ralph, acme)).count(422) <= 7


async def test_while_the_lrs_is_away_one_is_tried_a_minute_and_then_all_arrive(
    to_ralph: Engine, ralph: Ralph, new: NewIntegration
) -> None:
    await to_ralph.furnish(LMS)
    away = new.statement_url.replace(f":{ralph.port}/", ":1/")
    acme = await to_ralph.connect(replace(new, statement_url=away))
    posted = statements(20, start=7000)
    await to_ralph.post(acme, *posted)
    await to_ralph.run(minutes=10)
    attempts, _ = await to_ralph.control.attempts(acme)
    assert len(attempts) == 11

    await to_ralph.change(acme, statement_url=ralph.statement_url)

    assert ralph.ids()[-20:] == ids(posted)
    assert (await to_ralph.health(acme)).status is Status.FLOWING


def posted_verb(name: str) -> dict[str, str]:
    return {"id": f"http://adlnet.gov/expapi/verbs/{name}"}
