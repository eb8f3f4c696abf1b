"""Receiving: bytes are landed, written down, and from then on will be made into statements.

Small ones that come at the same time are landed in bundles, one for each source, and written down
in one transaction: at 200 a second, each would wait for the disk behind all the others.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from hub.errors import HubError, NotLanded, NotTogether, RepeatedSignature
from hub.landing.place import bundle_for, key_for, part_of
from hub.landing.spool import open_spool
from hub.landing.store import Landing
from hub.records.format import Format
from hub.registry.pipeline.file_records import NewFile, SourceFile
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.pipeline.sources import SourceRecord
from hub.registry.sql.clock import Clock
from hub.registry.sql.leases import SqlLease
from hub.together import Together

UNNAMED = "unnamed"
SMALL = 64 * 1024
"""What is larger is landed by itself, so that a bundle is never large."""


@dataclass(frozen=True, slots=True)
class _Coming:
    """A few bytes that are to land."""

    source: SourceRecord
    content: bytes = field(repr=False)
    sha256: str
    name: str
    form: Format | None
    headers: Mapping[str, str]
    proof: str | None

    def new(self, place: str, now: datetime) -> NewFile:
        """Say what is to be written down of it."""
        return NewFile(
            source_id=self.source.id,
            sha256=self.sha256,
            name=self.name or UNNAMED,
            size=len(self.content),
            place=place,
            landed_at=now,
            keep_for=keeping(self.source),
            proof=self.proof,
            headers=self.headers,
            form=msgspec.json.encode(self.form).decode() if self.form else None,
            is_table=is_table(self.source),
        )


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
        self._bundling: Together[_Coming, tuple[SourceFile, bool]] = Together(self._land_several)

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
            now = self._clock()
            new = NewFile(
                source_id=source.id,
                sha256=spool.sha256,
                name=(name if isinstance(name, str) else name()) or UNNAMED,
                size=spool.size,
                place=key_for(source.id, now, spool.sha256),
                landed_at=now,
                keep_for=keeping(source),
                bucket_object=bucket_object,
                is_table=is_table(source),
            )
            known = await self._files.known(source.id, sha256=spool.sha256)
            if known is not None and known.removed_at is None:
                # Unless its bytes are removed at this very moment, they need not be kept twice.
                with suppress(NotLanded):
                    return await self._files.add(replace(new, is_kept=False), lease=lease)
            await self._landing.keep(new.place, spool)
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
        coming = _Coming(
            source, content, digest.hexdigest(), name, form, headers=headers or {}, proof=proven
        )
        if lease is None and len(content) <= SMALL:
            return await self._bundling.ask(coming)
        return await self._land_alone(coming, self._clock(), lease)

    async def _land_several(
        self, several: Sequence[_Coming]
    ) -> Sequence[tuple[SourceFile, bool] | Exception]:
        now = self._clock()
        bundles = _bundles(several, now)
        await asyncio.gather(*(self._landing.put(key, part) for key, part, _ in bundles))
        try:
            added = await self._files.add_all([new for *_, news in bundles for new in news])
        except NotTogether:
            # One of them was there already, or cannot be: each finds out for itself.
            for key, _, news in bundles:
                if len(news) > 1:
                    await self._landing.remove(key)
            return [await self._land_or_tell(one, now) for one in several]
        found = {(file.source_id, file.sha256): (file, True) for file in added}
        return [found[one.source.id, one.sha256] for one in several]

    async def _land_or_tell(
        self, coming: _Coming, now: datetime
    ) -> tuple[SourceFile, bool] | HubError:
        try:
            return await self._land_alone(coming, now)
        except HubError as error:
            return error

    async def _land_alone(
        self, coming: _Coming, now: datetime, lease: SqlLease | None = None
    ) -> tuple[SourceFile, bool]:
        new = coming.new(key_for(coming.source.id, now, coming.sha256), now)
        is_new = False
        try:
            file = None if lease else await self._known(new, proof=new.proof)
            if file is None:
                await self._landing.put(new.place, coming.content)
                file, is_new = await self._files.add(new, lease=lease)
        except RepeatedSignature:
            await self._take_back(new.place, await self._known(new))
            raise
        await self._take_back(new.place, file)
        return file, is_new

    async def _known(self, new: NewFile, *, proof: str | None = None) -> SourceFile | None:
        return await self._files.known(new.source_id, sha256=new.sha256, proof=proof)

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


def _bundles(
    several: Sequence[_Coming], now: datetime
) -> Sequence[tuple[str, bytes, Sequence[NewFile]]]:
    """Say under which keys what comes is to land, and what is to be written down of it."""
    by_source: dict[str, list[_Coming]] = {}
    for one in several:
        by_source.setdefault(one.source.id, []).append(one)
    return [_bundle(source_id, some, now) for source_id, some in by_source.items()]


def _bundle(
    source_id: str, some: Sequence[_Coming], now: datetime
) -> tuple[str, bytes, Sequence[NewFile]]:
    content = b"".join(one.content for one in some)
    if len(some) == 1:
        key = key_for(source_id, now, some[0].sha256)
        return key, content, [some[0].new(key, now)]
    key = bundle_for(source_id, now, hashlib.sha256(content).hexdigest())
    news, start = [], 0
    for one in some:
        news.append(one.new(part_of(key, start, len(one.content)), now))
        start += len(one.content)
    return key, content, news
