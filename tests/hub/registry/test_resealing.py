"""Secrets move to the newest key while others change them, and older keys can go."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from delivery.facts.integration import IntegrationId
from hub.errors import SealBroken, UnknownSecretKey
from hub.registry import resealing
from hub.registry.parties.integrations import IntegrationRegistry
from hub.registry.parties.keys import Keys
from hub.registry.parties.programs import Programs
from hub.registry.parties.providers import Provider, Providers
from hub.registry.resealing import Resealing
from hub.registry.sql.database import Database
from hub.registry.trust.audit import Audit
from hub.registry.trust.house_secrets import Pepper
from hub.registry.trust.vault import Vault, key_id
from tests.fakes.pepper import FixedPepper
from tests.hub.registry.examples import NEW as NEW_ONE
from tests.hub.registry.moved_clock import MovedClock

OLD, NEW = b"o" * 32, b"n" * 32
DERIVED = b"d" * 32


class House:
    """A registry as a process with these keys sees it."""

    def __init__(self, database: Database, clock: MovedClock, *keys: bytes) -> None:
        self.vault = Vault(keys)
        self.programs = Programs(database, self.vault, clock)
        self.providers = Providers(database, clock)
        self.integrations = IntegrationRegistry(database, self.vault, clock)
        self.audit = Audit(database)
        self.resealing = Resealing(database, self.vault, self.audit)
        self.pepper = Pepper(database, self.vault, DERIVED)
        self.keys = Keys(database, self.pepper, clock)

    async def reseal(self) -> int:
        seen: list[int] = []
        return await self.resealing.reseal(seen.append)


@pytest.fixture
def house(database: Database, clock: MovedClock) -> Callable[..., House]:
    return lambda *keys: House(database, clock, *keys)


async def fill(old: House, count: int) -> list[IntegrationId]:
    """Make integrations with two secrets each, a program with one, and an API key."""
    await old.programs.create("ACME", "Acme", lb_api_key="lb-secret", by="test")
    ids: list[IntegrationId] = []
    for number in range(count):
        await old.providers.create(Provider(f"lms-{number}", "An LMS"), by="test")
        new = replace(NEW_ONE, provider=f"lms-{number}", refresh_token=f"refresh-{number}")
        ids.append((await old.integrations.create("ACME", new, by="test")).id)
    return ids


async def test_everything_moves_to_the_newest_key_and_the_old_one_can_go(
    house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "AT_ONCE", 2)
    old = house(OLD)
    ids = await fill(old, 5)
    key = await old.keys.create("ann", system=True, by="test")
    both = house(NEW, OLD)

    before = await both.resealing.survey()
    made = await both.reseal()
    again = await both.reseal()

    assert before == {key_id(OLD): 12}
    assert (made, again) == (12, 0)
    assert await both.resealing.survey() == {key_id(NEW): 12}
    alone = house(NEW)
    for number, id_ in enumerate(ids):
        found = await alone.integrations.find(id_)
        assert found is not None
        assert found.credentials.refresh_token == f"refresh-{number}"
    assert await alone.programs.lb_api_key("ACME") == "lb-secret"
    assert await alone.keys.verify("ann", key.api_key) is not None


async def test_a_secret_that_is_changed_meanwhile_is_not_overwritten(
    house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    (id_,) = await fill(house(OLD), 1)
    both = house(NEW, OLD)
    replace_them = both.resealing._replace
    changed: list[str] = []

    async def late(column: resealing.SealedColumn, old: list[tuple[str, str]]) -> int:
        if not changed:
            changed.append(id_)
            await both.integrations.change(
                id_,
                {"client_secret": "newest", "refresh_token": "newest-refresh"},
                by="ann",
            )
        return await replace_them(column, old)

    monkeypatch.setattr(both.resealing, "_replace", late)
    await both.reseal()

    found = await house(NEW).integrations.find(id_)
    assert found is not None
    assert found.credentials.client_secret == "newest"
    assert found.credentials.refresh_token == "newest-refresh"


async def test_a_key_that_is_missing_is_named_and_nothing_is_half_done(
    house: Callable[..., House],
) -> None:
    await fill(house(OLD), 1)

    with pytest.raises(UnknownSecretKey, match=key_id(OLD)):
        await house(NEW).reseal()

    assert await house(OLD).resealing.survey() == {key_id(OLD): 3}


async def test_a_rotation_is_written_down_without_a_secret(
    house: Callable[..., House], clock: MovedClock
) -> None:
    both = house(NEW, OLD)

    await both.resealing.note(at=clock(), by="ops", count=7)

    (entry,) = (await both.audit.list(kind="secrets")).items
    assert (entry.action, entry.by) == ("rotated", "ops")
    assert entry.changes == {"secrets": 7, "key": key_id(NEW)}


async def test_api_keys_from_before_the_pepper_had_a_place_go_on_working(
    house: Callable[..., House], database: Database, clock: MovedClock
) -> None:
    before = Keys(database, FixedPepper(DERIVED), clock)
    made = await before.create("ann", system=True, by="test")

    now = house(OLD)

    assert await now.keys.verify("ann", made.api_key) is not None
    assert await before.verify("bo", (await now.keys.create("bo", by="test")).api_key) is not None


async def test_a_new_database_has_a_pepper_of_its_own(house: Callable[..., House]) -> None:
    first, second = house(OLD), house(OLD)

    made = await first.pepper()

    assert made != DERIVED
    assert await second.pepper() == made


async def test_of_two_that_make_the_pepper_at_once_one_wins(
    house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = house(OLD), house(OLD)
    theirs = await first.pepper()
    found = second.pepper._find  # noqa: SLF001 - to come in between
    asked: list[None] = []

    async def not_yet() -> bytes | None:
        asked.append(None)
        return None if len(asked) == 1 else await found()

    monkeypatch.setattr(second.pepper, "_find", not_yet)

    assert await second.pepper() == theirs


async def test_a_pepper_of_another_row_is_no_pepper(house: Callable[..., House]) -> None:
    vault = Vault([OLD])

    with pytest.raises(SealBroken):
        vault.open(vault.seal("x", row="elsewhere"), row="house_secrets/pepper")
