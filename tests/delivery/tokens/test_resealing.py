"""Tokens in Redis move to the newest key, and keep their lifetime."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from delivery.facts.integration import IntegrationId
from delivery.stores.keys import INTEGRATIONS, Keys
from delivery.stores.store import Store
from delivery.tokens.resealing import Resealing
from delivery.tokens.sealed import Sealed
from hub.registry.trust.vault import Vault, key_id

OLD, NEW = b"o" * 32, b"n" * 32
KEYS = Keys(IntegrationId("acme"))
HOUR = timedelta(hours=1)


async def keep(store: Store, vault: Vault) -> None:
    """Keep a token, and a refresh token that SQL could not take."""
    sealed = Sealed(store.redis, vault)
    await sealed.set(KEYS.token, "token", lifetime=HOUR)
    await sealed.set(KEYS.rotated, "refresh", lifetime=30 * 24 * HOUR)
    await store.ask(("SADD", INTEGRATIONS, "acme", "without-any"))


async def test_tokens_are_sealed_anew_and_keep_their_lifetime(store: Store) -> None:
    await keep(store, Vault([OLD]))
    resealing = Resealing(store, Vault([NEW, OLD]))

    before = await resealing.survey()
    made, again = await resealing.reseal(), await resealing.reseal()

    assert (before, made, again) == ({key_id(OLD): 2}, 2, 0)
    alone = Sealed(store.redis, Vault([NEW]))
    assert await alone.get(KEYS.token) == "token"
    assert await alone.get(KEYS.rotated) == "refresh"
    (left,) = await store.ask(("PTTL", KEYS.token))
    assert 0 < left <= HOUR.total_seconds() * 1000


async def test_a_token_that_was_fetched_meanwhile_is_left(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(store, Vault([OLD]))
    both = Vault([NEW, OLD])
    resealing = Resealing(store, both)
    read = [entry async for entry in resealing._each()]  # noqa: SLF001 - to come in between
    await Sealed(store.redis, both).set(KEYS.token, "newest", lifetime=HOUR)

    async def as_it_was() -> AsyncIterator[tuple[str, str]]:
        for entry in read:
            yield entry

    monkeypatch.setattr(resealing, "_each", as_it_was)
    made = await resealing.reseal()

    assert made == 1
    assert await Sealed(store.redis, Vault([NEW])).get(KEYS.token) == "newest"
