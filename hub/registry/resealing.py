"""Sealing all stored secrets anew with the newest key, while everything goes on.

In small transactions, each secret only if it is still what was read: whoever changes one meanwhile
seals it with the newest key anyway. To repeat it after a crash does what is left.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import InstrumentedAttribute

from hub.registry.pipeline.sources import place as source_place
from hub.registry.sql.database import Database
from hub.registry.sql.tables import HouseSecretRow, IntegrationRow, ProgramRow, SourceRow
from hub.registry.trust.audit import Audit
from hub.registry.trust.house_secrets import place as house_place
from hub.registry.trust.vault import Vault, key_id_of

AT_ONCE = 100

Place = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of secrets, the key of its rows, and what each secret is bound to."""

    secret: InstrumentedAttribute[str] | InstrumentedAttribute[str | None]
    key: InstrumentedAttribute[str]
    place: Place


SEALED = (
    SealedColumn(
        IntegrationRow.client_secret, IntegrationRow.id, "integrations/{}/client_secret".format
    ),
    SealedColumn(
        IntegrationRow.refresh_token, IntegrationRow.id, "integrations/{}/refresh_token".format
    ),
    SealedColumn(ProgramRow.lb_api_key, ProgramRow.id, "programs/{}/lb_api_key".format),
    SealedColumn(SourceRow.secrets, SourceRow.id, source_place),
    SealedColumn(HouseSecretRow.sealed, HouseSecretRow.name, house_place),
)
"""Every secret in SQL."""


class Resealing:
    """Counts what is sealed with which key, and seals it anew."""

    def __init__(self, database: Database, vault: Vault, audit: Audit) -> None:
        self._database = database
        self._vault = vault
        self._audit = audit

    async def survey(self) -> Mapping[str, int]:
        """Count the secrets by the id of their key. Raises RegistryUnavailable."""
        found: Counter[str] = Counter()
        for column in SEALED:
            async for page in self._pages(column):
                found.update(key_id_of(sealed) for _, sealed in page)
        return found

    async def reseal(self, tell: Callable[[int], None]) -> int:
        """Seal anew what is not sealed with the newest key; `tell` how many were looked at.

        Gives how many were sealed anew. Raises UnknownSecretKey, SealBroken, RegistryUnavailable;
        what was done until then stays done.
        """
        made = 0
        for column in SEALED:
            async for page in self._pages(column):
                old = [(key, sealed) for key, sealed in page if not self._vault.is_current(sealed)]
                made += await self._replace(column, old) if old else 0
                tell(len(page))
        return made

    async def note(self, *, at: datetime, by: str, count: int) -> None:
        """Write down that secrets were sealed anew."""
        changes: dict[str, JsonValue] = {"secrets": count, "key": self._vault.key_ids[0]}
        await self._audit.add("rotated", "secrets", "all", at=at, by=by, changes=changes)

    async def _pages(self, column: SealedColumn) -> AsyncIterator[list[tuple[str, str]]]:
        after: ColumnElement[bool] | None = None
        while True:
            query = select(column.key, column.secret).where(column.secret.is_not(None))
            if after is not None:
                query = query.where(after)
            async with self._database.read() as session:
                found = await session.execute(query.order_by(column.key).limit(AT_ONCE))
                page = [(str(key), str(sealed)) for key, sealed in found]
            if page:
                yield page
            if len(page) < AT_ONCE:
                return
            after = column.key > page[-1][0]

    async def _replace(self, column: SealedColumn, old: list[tuple[str, str]]) -> int:
        made = 0
        async with self._database.write() as session:
            for key, sealed in old:
                plain = self._vault.open(sealed, row=column.place(key))
                done = await session.execute(
                    update(column.key.class_)
                    .where(column.key == key, column.secret == sealed)
                    .values({column.secret.key: self._vault.seal(plain, row=column.place(key))})
                    .returning(column.key)
                )
                made += len(done.all())
        return made
