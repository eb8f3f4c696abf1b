"""Buckets: new objects of a bucket or a folder are landed, each once, also when it is replaced."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from delivery.wire.addresses import AddressRefused
from delivery.wire.egress import Egress
from hub.errors import HubError, LandingUnavailable, LeaseLost, NotLanded, TooLarge
from hub.landing.found import Found, Unreadable, wrong_prefix
from hub.landing.inbox import Inbox, is_within, real_paths
from hub.landing.objects import WITHIN, Bucket
from hub.pipeline.arriving.receiving import Receiving
from hub.pipeline.arriving.turns import Turn, Turns
from hub.pipeline.said import said_as
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.pipeline.sources import SourceKind, SourceRecord
from hub.registry.sql.clock import Clock
from hub.registry.sql.leases import SqlLease
from hub.sources.settings import BucketSource

MOST_TOLD, LONGEST_SHOWN = 5, 200
ESCAPES = {number: f"\\x{number:02x}" for number in (*range(0x20), *range(0x7F, 0xA0))}


class Buckets:
    """Looks through the buckets whose time has come, each by one worker at a time."""

    def __init__(
        self,
        turns: Turns,
        files: SourceFiles,
        receiving: Receiving,
        egress: Egress,
        clock: Clock,
        *,
        folders: Sequence[str] = (),
    ) -> None:
        self._turns = turns
        self._files = files
        self._receiving = receiving
        self._egress = egress
        self._clock = clock
        self._folders = tuple(folders)

    async def run(self) -> None:
        """Look through all whose time has come. Raises RegistryUnavailable."""
        await self._turns.run(SourceKind.BUCKET, self._look)

    async def _look(
        self, source: SourceRecord, secrets: Mapping[str, str], lease: SqlLease
    ) -> Turn:
        said = said_as(BucketSource, source, secrets)
        landed, trouble = 0, None
        if source.is_active:
            try:
                landed, trouble = await self._through(source, said, lease)
            except LeaseLost:
                raise
            except (HubError, AddressRefused, OSError) as error:
                trouble = str(error)
        interval = timedelta(seconds=said.interval_seconds)
        return Turn(interval, trouble, counts={"landed": landed})

    async def _through(
        self, source: SourceRecord, said: BucketSource, lease: SqlLease
    ) -> tuple[int, str | None]:
        bucket = await self._open(said)
        landed, troubles = 0, Troubles()
        async for some in bucket.list(said.prefix):
            named = {object_name(one): one for one in some if isinstance(one, Found) and one.size}
            for one in some:
                if isinstance(one, Unreadable):
                    troubles.note(one.key, one.reason)
            for name in await self._files.unseen(source.id, list(named)):
                try:
                    await self._land(source, bucket, named[name], name, lease)
                except (NotLanded, TooLarge) as error:
                    # Gone since it was listed, or more than is taken: the others go on.
                    troubles.note(named[name].key, str(error))
                else:
                    landed += 1
        return landed, troubles.told()

    async def _land(
        self, source: SourceRecord, bucket: Bucket | Inbox, found: Found, name: str, lease: SqlLease
    ) -> None:
        await self._receiving.land_stream(
            source, bucket.stream(found.key), name=found.key, bucket_object=name, lease=lease
        )

    async def _open(self, said: BucketSource) -> Bucket | Inbox:
        if reason := wrong_prefix(said.prefix):
            raise LandingUnavailable(f"nothing can be found below its prefix: {reason}")
        if said.url.startswith("file://"):
            if not may_be_read(said.url, self._folders):
                raise LandingUnavailable(f"{said.url} is not below HUB_BUCKET_FOLDERS")
            return Inbox(Path(said.url.removeprefix("file://")), self._folders)
        if said.endpoint is not None:
            # The store connects by itself; what its name leads to is looked at each time before.
            await self._egress.check(said.endpoint)
        place = {
            "endpoint": said.endpoint,
            "region": said.region,
            "access_key_id": said.access_key_id,
            "secret_access_key": said.secret_access_key,
        }
        open_client = partial(self._egress.open_client, timeout=WITHIN)
        return Bucket(said.url, place, open_client, self._clock)


class Troubles:
    """What was in the way of single objects: the first few in words, and how many others."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        self._others = set[str]()

    def note(self, key: str, reason: str) -> None:
        """Note what is in the way of an object; once, though it may be listed twice."""
        if key in self._told or len(self._told) < MOST_TOLD:
            self._told[key] = reason
        else:
            self._others.add(key)

    def told(self) -> str | None:
        """Say it all; None if there is nothing to say."""
        if not self._told:
            return None
        lines = [f"{_shown(key)}: {reason}" for key, reason in self._told.items()]
        if self._others:
            lines.append(f"and {len(self._others):,} others")
        return "; ".join(lines)


def _shown(key: str) -> str:
    shown = key.translate(ESCAPES)[:LONGEST_SHOWN]
    return shown.encode("utf-8", "backslashreplace").decode()


def object_name(found: Found) -> str:
    """Give what an object is known by: another when it is replaced."""
    return hashlib.sha256(f"{found.key}\0{found.etag}".encode()).hexdigest()


def may_be_read(url: str, folders: Sequence[str]) -> bool:
    """Say whether a folder lies within one of those that the operator allows, links followed."""
    path = url.removeprefix("file://")
    return ".." not in path.split("/") and is_within(os.path.realpath(path), real_paths(folders))
