"""Buckets: new objects of a bucket or a folder are landed, each once, also when it is replaced."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta

from delivery.wire.addresses import AddressRefused
from delivery.wire.egress import Egress
from hub.errors import HubError, LandingUnavailable, LeaseLost, NotLanded, TooLarge
from hub.landing.objects import Bucket, Found
from hub.pipeline.arriving.receiving import Receiving
from hub.pipeline.arriving.turns import Turn, Turns
from hub.pipeline.said import said_as
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.pipeline.sources import SourceKind, SourceRecord
from hub.registry.sql.leases import SqlLease
from hub.sources.settings import BucketSource


class Buckets:
    """Looks through the buckets whose time has come, each by one worker at a time."""

    def __init__(
        self,
        turns: Turns,
        files: SourceFiles,
        receiving: Receiving,
        egress: Egress,
        *,
        folders: Sequence[str] = (),
    ) -> None:
        self._turns = turns
        self._files = files
        self._receiving = receiving
        self._egress = egress
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
