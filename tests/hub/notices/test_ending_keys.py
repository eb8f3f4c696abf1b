"""Keys are warned of a month before they end, once."""

from datetime import timedelta

import pytest

from hub.notices.ending_keys import EndingKeys
from hub.registry.parties.caller import Right
from hub.registry.parties.keys import Keys
from hub.registry.parties.notices import NoticeKind, Notices
from hub.registry.sql.leases import SqlLeases
from tests.fakes.clock import FakeClock

MONTH = timedelta(days=30)


@pytest.fixture
def ending_keys(keys: Keys, notices: Notices, leases: SqlLeases, clock: FakeClock) -> EndingKeys:
    return EndingKeys(keys, notices, leases, clock, holder="test")


async def words(notices: Notices, program_id: str) -> list[str]:
    return [one.words for one in await notices.pending(program_id)]


async def test_each_program_of_a_key_is_warned_once(
    ending_keys: EndingKeys, keys: Keys, notices: Notices, clock: FakeClock
) -> None:
    rights = {"ACME": Right.READ, "OTHER": Right.WRITE}
    ends = clock() + MONTH + timedelta(days=1)
    created = await keys.create("ann", rights=rights, expires_at=ends, by="test")

    await ending_keys.look()
    early = await words(notices, "ACME")
    clock.move(days=1)
    await ending_keys.look()
    told = [await words(notices, program) for program in ("ACME", "OTHER")]
    for program in ("ACME", "OTHER"):
        await notices.withdraw(program, NoticeKind.KEY, created.record.id)
    await ending_keys.look()

    assert early == []
    assert told[0] == told[1]
    assert f"The API key {created.record.id} of ann ends on 2026-04-02 at 09:00 UTC" in told[0][0]
    assert await words(notices, "ACME") == []


async def test_keys_that_never_end_or_ended_or_were_revoked_are_not_warned_of(
    ending_keys: EndingKeys, keys: Keys, notices: Notices, clock: FakeClock
) -> None:
    rights = {"ACME": Right.READ}
    soon = clock() + timedelta(seconds=1)
    await keys.create("never", rights=rights, by="test")
    await keys.create("ended", rights=rights, expires_at=soon, by="test")
    revoked = await keys.create("revoked", rights=rights, expires_at=clock() + MONTH, by="test")
    await keys.create("system", system=True, expires_at=clock() + MONTH, by="test")
    await keys.revoke(revoked.record.id, by="test")
    clock.move(seconds=1)

    await ending_keys.look()

    assert await words(notices, "ACME") == []
    assert await keys.ending(before=clock() + MONTH) == []


async def test_one_worker_looks_at_a_time(
    ending_keys: EndingKeys, keys: Keys, notices: Notices, leases: SqlLeases, clock: FakeClock
) -> None:
    await keys.create("ann", rights={"ACME": Right.READ}, expires_at=clock() + MONTH, by="test")
    await leases.take("ending keys", timedelta(minutes=1), holder="another")

    await ending_keys.look()
    meanwhile = await words(notices, "ACME")
    clock.move(minutes=1)
    await ending_keys.look()

    assert meanwhile == []
    assert len(await words(notices, "ACME")) == 1
