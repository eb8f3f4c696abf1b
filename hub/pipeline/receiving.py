"""Receiving: bytes are landed, written down, and from then on will be made into statements."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from pathlib import Path

import msgspec

from hub.errors import RepeatedSignature
from hub.landing.place import key_for
from hub.landing.spool import open_spool
from hub.landing.store import Landing
from hub.records.format import Format
from hub.registry.clock import Clock
from hub.registry.leases import SqlLease
from hub.registry.source_files import NewFile, SourceFile, SourceFiles
from hub.registry.sources import SourceRecord

UNNAMED = "unnamed"


class Receiving:
    """Lands what comes. Everything raises LandingUnavailable, RegistryUnavailable, UnknownFile."""

    def __init__(
        self, landing: Landing, files: SourceFiles, clock: Clock, spool: Path, largest: int
    ) -> None:
        self._landing = landing
        self._files = files
        self._clock = clock
        self._spool = spool
        self._largest = largest

    async def land_stream(
        self,
        source: SourceRecord,
        parts: AsyncIterator[bytes],
        *,
        name: str | Callable[[], str] = "",
        bucket_object: str | None = None,
        lease: SqlLease | None = None,
    ) -> tuple[SourceFile, bool]:
        """Land a file of any size; and say whether it is new. Raises TooLarge, LeaseLost.

        A `name` that comes with the file is asked for when all of it is there.
        """
        async with open_spool(self._spool, self._largest) as spool:
            async for part in parts:
                await spool.write(part)
            await spool.close()
            known = await self._files.known(source.id, sha256=spool.sha256)
            now = self._clock()
            place = known.place if known else key_for(source.id, now, spool.sha256)
            if known is None or known.removed_at is not None:
                await self._landing.keep(place, spool)
            new = NewFile(
                source_id=source.id,
                sha256=spool.sha256,
                name=(name if isinstance(name, str) else name()) or UNNAMED,
                size=spool.size,
                place=place,
                landed_at=now,
                keep_for=keeping(source),
                bucket_object=bucket_object,
                is_table=is_table(source),
            )
            return await self._files.add(new, lease=lease)

    async def land(
        self,
        source: SourceRecord,
        content: bytes,
        *,
        name: str,
        form: Format | None,
        headers: Mapping[str, str] | None = None,
        proof: str | None = None,
        delivery_id: str | None = None,
        lease: SqlLease | None = None,
    ) -> tuple[SourceFile, bool]:
        """Land a few bytes; and say whether they are new.

        What a sender gave an id of its own is another delivery, though the bytes be the same.
        `proof` is what it was signed with. Raises RepeatedSignature, LeaseLost.
        """
        digest = hashlib.sha256(content)
        if delivery_id is not None:
            digest = hashlib.sha256(f"{delivery_id}\0".encode() + content)
        proven = hashlib.sha256(proof.encode()).hexdigest() if proof is not None else None
        now = self._clock()
        place = key_for(source.id, now, digest.hexdigest())
        new = NewFile(
            source_id=source.id,
            sha256=digest.hexdigest(),
            name=name or UNNAMED,
            size=len(content),
            place=place,
            landed_at=now,
            keep_for=keeping(source),
            proof=proven,
            headers=headers or {},
            form=msgspec.json.encode(form).decode() if form else None,
            is_table=is_table(source),
        )
        await self._landing.put(place, content)
        try:
            added = self._files.add(new, lease=lease) if lease else self._files.add_together(new)
            file, is_new = await added
        except RepeatedSignature:
            known = await self._files.known(source.id, sha256=new.sha256)
            await self._take_back(place, known)
            raise
        await self._take_back(place, file)
        return file, is_new

    async def _take_back(self, place: str, known: SourceFile | None) -> None:
        """Remove what was landed a moment ago, unless it is where a file has its bytes.

        Nobody else lands there now: whoever brings the same bytes is told of the known file too.
        """
        if known is None or known.place != place:
            await self._landing.remove(place)


def keeping(source: SourceRecord) -> timedelta | None:
    """Say how long raw bytes of a source are kept."""
    days = source.settings.get("retentionDays")
    return timedelta(days=days) if isinstance(days, int) else None


def is_table(source: SourceRecord) -> bool:
    """Say whether what lands is only kept, for others to look up in."""
    return source.settings.get("recipe") is None
