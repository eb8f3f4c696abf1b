"""The token endpoint is judged by the same table as the LRS."""

from dataclasses import replace

from delivery.facts.status import Status
from tests.fakes.statements import a_statement, ids, statements
from tests.journeys.world import World


async def test_a_token_endpoint_that_is_down_is_tried_every_minute(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"token": 503})
    posted = statements(50)
    await world.post(acme, *posted)

    await world.run(hours=2)
    assert world.sandbox.lrs.attempts == 0
    assert (await world.health(acme)).status is Status.DOWN
    asked = [e for e in world.sandbox.log.entries() if e.endpoint == "token"]
    assert 120 <= len(asked) <= 122
    world.sandbox.change({"token": "ok"})
    await world.run(seconds=60)

    assert world.delivered == ids(posted)


async def test_refused_credentials_wait_for_new_ones(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"clients": {"sandbox": "another-secret"}})
    posted = statements(10)
    await world.post(acme, *posted)
    await world.run(hours=48)

    health = await world.health(acme)
    assert health.status is Status.REFUSED
    assert health.reason is not None
    assert health.reason.startswith(
        "Invalid Credentials (Client Id, Client Secret or Authentication URL may be incorrect)"
    )
    assert len([e for e in world.sandbox.log.entries() if e.endpoint == "token"]) == 1
    await world.change(acme, credentials=replace(acme.credentials, client_secret="another-secret"))

    assert world.delivered == ids(posted)


async def test_a_revoked_token_is_fetched_anew_once_and_nobody_notices(world: World) -> None:
    acme = await world.add()
    await world.post(acme, a_statement(1))
    world.sandbox.change({"revokeTokens": True})

    await world.post(acme, *statements(5, start=2))

    assert world.delivered == ids(statements(6))
    assert world.sandbox.oauth.issued == 2
    assert (await world.health(acme)).status is Status.FLOWING


async def test_an_lrs_that_refuses_every_token_refuses_the_integration(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": 401})

    await world.post(acme, *statements(5))
    await world.run(hours=48)

    assert world.sandbox.lrs.attempts == 2
    assert (await world.health(acme)).status is Status.REFUSED


async def test_a_rotated_refresh_token_is_kept_and_used_next_time(world: World) -> None:
    acme = await world.add()
    await world.change(acme, credentials=replace(acme.credentials, refresh_token="sandbox-refresh"))

    for number in range(1, 4):
        world.sandbox.change({"revokeTokens": True})
        await world.post(acme, a_statement(number))

    assert world.delivered == ids(statements(3))
    kept = world.registry.integrations[acme.id].credentials.refresh_token
    assert kept not in (None, "sandbox-refresh")
