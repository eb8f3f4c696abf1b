"""The hub's own secrets: today one, the pepper that API keys are hashed with.

A pepper is made once and never changes, for every API key hangs on it. It used to be derived from
the oldest secret key, which could then never go; a database with keys from that time keeps that
value.
"""

import secrets
from base64 import b64decode, b64encode

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from hub.registry.sql.database import Database
from hub.registry.sql.tables import ApiKeyRow, HouseSecretRow
from hub.registry.trust.vault import Vault

PEPPER = "pepper"
PEPPER_BYTES = 32


class Pepper:
    """The pepper, read when it is first needed."""

    def __init__(self, database: Database, vault: Vault, derived: bytes) -> None:
        self._database = database
        self._vault = vault
        self._derived = derived
        self._known: bytes | None = None

    async def __call__(self) -> bytes:
        """Give the pepper; make it if there is none. Raises RegistryUnavailable."""
        if self._known is None:
            self._known = await self._find() or await self._make()
        return self._known

    async def _find(self) -> bytes | None:
        async with self._database.read() as session:
            row = await session.get(HouseSecretRow, PEPPER)
        return b64decode(self._vault.open(row.sealed, row=place(PEPPER))) if row else None

    async def _make(self) -> bytes:
        try:
            async with self._database.write() as session:
                used = (await session.execute(select(ApiKeyRow.id).limit(1))).first()
                made = self._derived if used else secrets.token_bytes(PEPPER_BYTES)
                sealed = self._vault.seal(b64encode(made).decode(), row=place(PEPPER))
                session.add(HouseSecretRow(name=PEPPER, sealed=sealed))
        except IntegrityError:
            # Another process was first; what it made is the pepper.
            found = await self._find()
            if found is None:
                raise
            return found
        return made


def place(name: str) -> str:
    """Say what a secret of the hub's own is bound to."""
    return f"house_secrets/{name}"
