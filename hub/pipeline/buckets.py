"""Buckets: new objects of a bucket or a folder are landed, each once, also when it is replaced."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

import structlog

from delivery.addresses import AddressRefused
from delivery.egress import Egress
from hub.errors import HubError, LandingUnavailable, LeaseLost, NotLanded, TooLarge
from hub.holding import while_held
from hub.landing.objects import Bucket, Found
from hub.pipeline.receiving import Receiving
from hub.pipeline.said import said_as
from hub.pipeline.telling import Notices, complaint
from hub.registry.clock import Clock
from hub.registry.leases import SqlLease, SqlLeases
from hub.registry.notices import NoticeKind
from hub.registry.source_files import SourceFiles
from hub.registry.sources import Progress, SourceKind, SourceRecord, Sources
from hub.sources.settings import BucketSource

TTL = timedelta(seconds=30)

log = structlog.get_logger()


class Buckets:
    """Looks through the buckets whose time has come, each by one worker at a time."""

    def __init__(
        self,
        sources: Sources,
        files: SourceFiles,
        receiving: Receiving,
        leases: SqlLeases,
        notices: Notices,
        egress: Egress,
        clock: Clock,
        *,
        holder: str,
        folders: Sequence[str] = (),
    ) -> None:
        self._sources = sources
        self._files = files
        self._receiving = receiving
        self._leases = leases
        self._notices = notices
        self._egress = egress
        self._clock = clock
        self._holder = holder
        self._folders = tuple(folders)

    async def run(self) -> None:
        """Look through all whose time has come. Raises RegistryUnavailable."""
        for source in await self._sources.due([SourceKind.BUCKET]):
            lease = await self._leases.take(f"source/{source.id}", TTL, holder=self._holder)
            if lease is None:
                continue
            try:
                await while_held(self._leases, lease, TTL, self._look(source.id, lease))
            except LeaseLost:
                log.warning("bucket.lost", source=source.id)
                continue
            await self._leases.release(lease)

    async def _look(self, source_id: str, lease: SqlLease) -> None:
        found = await self._sources.find_with_secrets(source_id)
        if found is None or found[0].next_at is None or found[0].next_at > self._clock():
            return
        source, said = found[0], said_as(BucketSource, *found)
        landed, trouble = 0, None
        if source.is_active:
            try:
                landed, trouble = await self._through(source, said, lease)
            except LeaseLost:
                raise
            except (HubError, AddressRefused, OSError) as error:
                trouble = str(error)
        next_at = self._clock() + timedelta(seconds=said.interval_seconds)
        await self._sources.note_progress(lease, source.id, Progress({}, next_at, trouble))
        log.info("bucket.ended", source=source.id, landed=landed, trouble=trouble)
        if trouble:
            words = complaint(source, trouble)
            await self._notices.note(source.program_id, NoticeKind.SOURCE, source.id, words)
        else:
            await self._notices.withdraw(source.program_id, NoticeKind.SOURCE, source.id)

    async def _through(
        self, source: SourceRecord, said: BucketSource, lease: SqlLease
    ) -> tuple[int, str | None]:
        bucket = await self._open(said)
        landed, trouble = 0, None
        async for some in bucket.list(said.prefix):
            named = {object_name(one): one for one in some if one.size}
            for name in await self._files.unseen(source.id, list(named)):
                try:
                    await self._land(source, bucket, named[name], name, lease)
                except (NotLanded, TooLarge) as error:
                    # Gone since it was listed, or more than is taken: the others go on.
                    trouble = f"{named[name].key}: {error}"
                else:
                    landed += 1
        return landed, trouble

    async def _land(
        self, source: SourceRecord, bucket: Bucket, found: Found, name: str, lease: SqlLease
    ) -> None:
        await self._receiving.land_stream(
            source, bucket.stream(found.key), name=found.key, bucket_object=name, lease=lease
        )

    async def _open(self, said: BucketSource) -> Bucket:
        if said.url.startswith("file://") and not may_be_read(said.url, self._folders):
            raise LandingUnavailable(f"{said.url} is not below HUB_BUCKET_FOLDERS")
        if said.endpoint is not None:
            # The store connects by itself; what its name leads to is looked at each time before.
            await self._egress.check(said.endpoint)
        place = {
            "endpoint": said.endpoint,
            "region": said.region,
            "access_key_id": said.access_key_id,
            "secret_access_key": said.secret_access_key,
        }
        return Bucket.open(said.url, place)


def object_name(found: Found) -> str:
    """Give what an object is known by: another when it is replaced."""
    return hashlib.sha256(f"{found.key}\0{found.etag}".encode()).hexdigest()


def may_be_read(url: str, folders: Sequence[str]) -> bool:
    """Say whether a folder lies within one of those that the operator allows."""
    path = url.removeprefix("file://").rstrip("/") + "/"
    return ".." not in path.split("/") and any(
        path.startswith(folder.rstrip("/") + "/") for folder in folders
    )
