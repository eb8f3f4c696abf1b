"""API keys: shown once, verified from memory, revoked within five seconds."""

import asyncio
import time
from datetime import timedelta

import pytest

from hub.errors import BadUserId, RegistryUnavailable, UnknownKey, UnknownProgram
from hub.registry.parties.caller import WARNED_BEFORE, Caller, Right
from hub.registry.parties.keys import Keys
from hub.registry.parties.programs import Programs
from hub.registry.sql.database import Database
from hub.registry.sql.tables import ApiKeyRow
from tests.fakes.pepper import FixedPepper
from tests.hub.registry.conftest import PEPPER
from tests.hub.registry.moved_clock import MovedClock

WELL_SHAPED = "lh_0123456789abcdef." + "A" * 43


async def test_a_key_is_verified_for_its_user(keys: Keys, programs: Programs) -> None:
    await programs.create("ACME", "Acme", by="test")
    created = await keys.create("alice", rights={"ACME": Right.WRITE}, by="test")

    caller = await keys.verify("alice", created.api_key)

    assert caller == Caller(created.record.id, "alice", False, {"ACME": Right.WRITE})
    assert await keys.verify(None, created.api_key) == caller


async def test_a_key_is_not_verified_for_another_user_or_with_another_secret(keys: Keys) -> None:
    created = await keys.create("alice", system=True, by="test")
    last = created.api_key[-1]
    other_secret = created.api_key[:-1] + ("A" if last != "A" else "B")

    assert await keys.verify("bob", created.api_key) is None
    assert await keys.verify("", created.api_key) is None
    assert await keys.verify("alice", other_secret) is None


@pytest.mark.parametrize("api_key", ["", "x", WELL_SHAPED, WELL_SHAPED + "A", "lh_é.b", "\0"])
async def test_what_was_never_a_key_is_not_verified(keys: Keys, api_key: str) -> None:
    assert await keys.verify("alice", api_key) is None


async def test_a_key_is_kept_as_a_hash_and_not_shown_again(keys: Keys, database: Database) -> None:
    created = await keys.create("alice", by="test")

    secret = created.api_key.partition(".")[2]
    async with database.read() as session:
        row = await session.get_one(ApiKeyRow, created.record.id)
    assert secret not in str(vars(row))
    assert secret not in repr(created)


async def test_a_key_means_nothing_under_another_pepper(
    database: Database, clock: MovedClock, keys: Keys
) -> None:
    created = await keys.create("alice", by="test")
    elsewhere = Keys(database, FixedPepper(b"q" * 32), clock)

    assert await elsewhere.verify("alice", created.api_key) is None


async def test_a_system_key_may_everything_and_a_client_key_what_it_names() -> None:
    system = Caller("1", "root", True, {})
    client = Caller("2", "alice", False, {"READS": Right.READ, "WRITES": Right.WRITE})

    assert system.may_read("ANY")
    assert system.may_write("ANY")
    assert [client.may_read(program) for program in ("READS", "WRITES", "ANY")] == [1, 1, 0]
    assert [client.may_write(program) for program in ("READS", "WRITES", "ANY")] == [0, 1, 0]
    assert client.programs == {"READS", "WRITES"}
    assert client.who == "alice (key 2)"


async def test_a_right_needs_a_program(keys: Keys) -> None:
    with pytest.raises(UnknownProgram, match="no program NONE"):
        await keys.create("alice", rights={"NONE": Right.READ}, by="test")

    assert (await keys.list()).items == ()


@pytest.mark.parametrize("user_id", ["", "a:b", "a\nb", "a\0", "a" * 201])
async def test_a_user_id_that_basic_authentication_cannot_carry_is_refused(
    keys: Keys, user_id: str
) -> None:
    with pytest.raises(BadUserId, match="1 to 200 printable characters and no colon"):
        await keys.create(user_id, by="test")


async def test_a_key_ends_at_its_expiry(keys: Keys, clock: MovedClock) -> None:
    expiry = clock.now + timedelta(seconds=2)
    created = await keys.create("alice", expires_at=expiry, by="test")
    assert await keys.verify("alice", created.api_key) is not None

    clock.move(2)

    assert await keys.verify("alice", created.api_key) is None


async def test_a_revoked_key_ends_at_once_here_and_within_five_seconds_elsewhere(
    keys: Keys, database: Database, clock: MovedClock
) -> None:
    elsewhere = Keys(database, FixedPepper(PEPPER), clock)
    created = await keys.create("alice", by="test")
    for place in (keys, elsewhere):
        assert await place.verify("alice", created.api_key) is not None

    revoked = await keys.revoke(created.record.id, by="test")

    assert revoked.revoked_at == clock.now
    assert await keys.verify("alice", created.api_key) is None
    clock.move(4.9)
    assert await elsewhere.verify("alice", created.api_key) is None


async def test_a_clock_set_back_does_not_lengthen_the_life_of_an_answer(
    keys: Keys, database: Database, clock: MovedClock
) -> None:
    elsewhere = Keys(database, FixedPepper(PEPPER), clock)
    created = await keys.create("alice", by="test")
    assert await elsewhere.verify("alice", created.api_key) is not None
    await keys.revoke(created.record.id, by="test")

    clock.move(-3600)

    assert await elsewhere.verify("alice", created.api_key) is None


async def test_revoking_again_changes_nothing(keys: Keys, clock: MovedClock) -> None:
    created = await keys.create("alice", by="test")
    revoked = await keys.revoke(created.record.id, by="test")
    clock.move(60)

    assert await keys.revoke(created.record.id, by="test") == revoked
    assert await keys.find(created.record.id) == revoked


async def test_an_unknown_key_cannot_be_revoked(keys: Keys) -> None:
    with pytest.raises(UnknownKey, match="no key 0123"):
        await keys.revoke("0123", by="test")
    assert await keys.find("0123") is None


async def test_a_fresh_answer_outlives_the_database_and_no_other_does(
    keys: Keys, url: str, database: Database, clock: MovedClock
) -> None:
    created = await keys.create("alice", by="test")
    another = await keys.create("bob", by="test")
    gone = Database("postgresql://hub@127.0.0.1:1/none")
    cut_off = Keys(gone, FixedPepper(PEPPER), clock)
    with pytest.raises(RegistryUnavailable):
        await cut_off.verify("alice", created.api_key)

    assert await keys.verify("alice", created.api_key) is not None
    keys._database = gone  # noqa: SLF001  the store goes away while the process lives

    clock.move(3.9)
    assert await keys.verify("alice", created.api_key) is not None
    with pytest.raises(RegistryUnavailable):
        await keys.verify("bob", another.api_key)
    clock.move(0.1)
    with pytest.raises(RegistryUnavailable):
        await keys.verify("alice", created.api_key)
    await gone.close()


async def test_verifying_from_memory_takes_microseconds(keys: Keys) -> None:
    created = await keys.create("alice", by="test")
    await keys.verify("alice", created.api_key)

    began = time.perf_counter()
    for _ in range(1000):
        await keys.verify("alice", created.api_key)
    spent = time.perf_counter() - began

    assert spent < 0.2


async def test_uses_are_noted_at_most_once_a_minute(keys: Keys, clock: MovedClock) -> None:
    created = await keys.create("alice", by="test")
    first_use = clock.now

    async def use_and_note() -> object:
        await keys.verify("alice", created.api_key)
        await keys.note_uses()
        found = await keys.find(created.record.id)
        return found and found.last_used_at

    assert await use_and_note() == first_use
    clock.move(59)
    assert await use_and_note() == first_use
    clock.move(1)
    assert await use_and_note() == clock.now


async def test_a_refused_use_is_not_noted(keys: Keys) -> None:
    created = await keys.create("alice", by="test")

    await keys.verify("bob", created.api_key)
    await keys.note_uses()

    found = await keys.find(created.record.id)
    assert found is not None
    assert found.last_used_at is None


async def test_uses_that_could_not_be_noted_are_noted_later(
    keys: Keys, database: Database, clock: MovedClock
) -> None:
    created = await keys.create("alice", by="test")
    await keys.verify("alice", created.api_key)
    keys._database = gone = Database("postgresql://hub@127.0.0.1:1/none")  # noqa: SLF001  it goes away
    with pytest.raises(RegistryUnavailable):
        await keys.note_uses()

    keys._database = database  # noqa: SLF001  and comes back
    await keys.note_uses()

    found = await keys.find(created.record.id)
    assert found is not None
    assert found.last_used_at == clock.now
    await gone.close()


async def test_keys_are_listed_newest_first_for_all_or_one_user(
    keys: Keys, clock: MovedClock
) -> None:
    for user in ("alice", "bob", "alice"):
        await keys.create(user, by="test")
        clock.move(1)

    first = await keys.list(limit=2)
    second = await keys.list(limit=2, cursor=first.next)
    of_alice = await keys.list(user_id="alice")

    assert [key.user_id for key in first.items + second.items] == ["alice", "bob", "alice"]
    assert first.items[0].created_at > first.items[1].created_at
    assert second.next is None
    assert len(of_alice.items) == 2


async def test_keys_made_in_the_same_moment_are_each_listed_once(keys: Keys) -> None:
    made = {(await keys.create("alice", by="test")).record.id for _ in range(5)}

    seen, cursor = [], None
    while True:
        page = await keys.list(cursor=cursor, limit=2)
        seen += [key.id for key in page.items]
        cursor = page.next
        if cursor is None:
            break

    assert sorted(seen) == sorted(made)


async def test_a_crowd_that_comes_at_once_asks_the_database_once(
    keys: Keys, database: Database
) -> None:
    created = await keys.create("alice", by="test")
    asked = 0
    read = database.read

    def counted() -> object:
        nonlocal asked
        asked += 1
        return read()

    database.read = counted  # type: ignore[assignment,method-assign]  # counts, and passes on
    callers = await asyncio.gather(*(keys.verify("alice", created.api_key) for _ in range(100)))

    assert None not in callers
    assert asked == 1


async def test_keys_that_end_soon_are_found_until_they_are_warned_of(
    keys: Keys, clock: MovedClock
) -> None:
    soon, later = clock.now + timedelta(days=1), clock.now + timedelta(days=2)
    second = await keys.create("second", expires_at=later, by="test")
    first = await keys.create("first", expires_at=soon, by="test")
    revoked = await keys.create("revoked", expires_at=soon, by="test")
    await keys.create("never", by="test")
    await keys.revoke(revoked.record.id, by="test")

    found = await keys.ending(before=later)
    await keys.mark_warned(second.record.id)

    assert [key.id for key in found] == [first.record.id, second.record.id]
    assert [key.id for key in await keys.ending(before=later)] == [first.record.id]
    clock.move(timedelta(days=1).total_seconds())
    assert await keys.ending(before=later) == []


async def test_a_caller_knows_when_its_key_ends(keys: Keys, clock: MovedClock) -> None:
    ends = clock.now + WARNED_BEFORE + timedelta(seconds=1)
    created = await keys.create("ann", system=True, expires_at=ends, by="test")

    caller = await keys.verify("ann", created.api_key)

    assert caller is not None
    assert not caller.ends_soon(clock.now)
    assert caller.ends_soon(clock.now + timedelta(seconds=1))
