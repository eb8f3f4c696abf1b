"""The one door to object stores: S3 and what speaks like it."""

import os
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NotRequired, TypedDict
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import obstore
from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from hub.errors import LandingUnavailable, NotLanded
from hub.landing.copies import Copies
from hub.landing.found import Found, Unreadable
from hub.landing.place import size_of, within
from hub.landing.s3_list import Asked, list_s3
from hub.landing.spool import Spool
from hub.landing.store import Kept

WITHIN = timedelta(seconds=60)
CONNECT_WITHIN = timedelta(seconds=10)
LISTED_AT_ONCE = 500
STREAMED = 1024 * 1024
NO_RANGES = "non-partial response"
"""What the library says of a store that answers a range with all of it, as rclone's does."""
CHATTER = re.compile(
    r"Generic S3 error: |Error performing \w+ request: "
    r"|Error performing \w+ \S+ in \S+?"
    r"(, after \d+ retries, max_retries: \d+, retry_timeout: \S+)? +- "
)
"""How the library tells what it did itself, before it comes to what was wrong."""
NOT_SENT = "HTTP error: error sending request"
REFUSED = (PermissionDeniedError, UnauthenticatedError, PermissionError)


@dataclass(frozen=True, slots=True)
class S3Place:
    """Where in S3 something is. Without an endpoint it is Amazon's; without keys, the machine's."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)


class _Keys(TypedDict):
    access_key_id: str
    secret_access_key: str
    token: NotRequired[str | None]
    expires_at: datetime | None


class BucketRefused(LandingUnavailable):
    """The bucket is there, and may not be read with these keys."""


class _ListRefused(Exception):
    """The library refuses a whole list, for a key in it that it cannot read."""


class ObjectLanding:
    """A landing store in S3."""

    def __init__(self, place: S3Place, copies: Path) -> None:
        self._store = open_s3(place)
        self._name = f"s3://{place.bucket}/{place.prefix}"
        self._copies = Copies(copies)
        self._has_ranges = True

    async def keep(self, key: str, spool: Spool) -> None:
        """Keep what a closed spool holds."""
        with self._translated():
            await obstore.put_async(self._store, key, spool.path)

    async def put(self, key: str, content: bytes) -> None:
        """Keep a few bytes."""
        with self._translated():
            await obstore.put_async(self._store, key, content)

    async def read(self, place: str, start: int, length: int) -> bytes:
        """Give so many bytes from a place, or fewer at the end. Raises NotLanded."""
        key, start, length = within(place, start, length)
        with self._translated():
            size = await self.size(key)
            left = min(length, size - start)
            if left <= 0:
                return b""
            if self._has_ranges:
                try:
                    found = obstore.get_range_async(self._store, key, start=start, length=left)
                    return bytes(await found)
                except BaseError as error:
                    if NO_RANGES not in str(error):
                        raise
                    self._has_ranges = False
            return await self._copies.read(key, partial(self._stream, key), start, left)

    async def size(self, place: str) -> int:
        """Give how many bytes there are. Raises NotLanded."""
        size = size_of(place)
        if size is not None:
            return size
        with self._translated():
            return int((await obstore.head_async(self._store, place))["size"])

    async def remove(self, key: str) -> None:
        """Forget a key."""
        try:
            with self._translated():
                await obstore.delete_async(self._store, key)
        except NotLanded:
            return

    async def list(self, folder: str) -> AsyncIterator[Sequence[Kept]]:
        """Go through what is kept below a folder, some at a time."""
        with self._translated():
            async for some in obstore.list(
                self._store, prefix=f"{folder}/", chunk_size=LISTED_AT_ONCE
            ):
                yield [Kept(one["path"], one["last_modified"]) for one in some]

    async def check(self) -> None:
        """Write, read and remove a few bytes."""
        key = f"check-{uuid4().hex}"
        await self.put(key, b"landed")
        if await self.read(key, 0, 10) != b"landed":
            raise LandingUnavailable(f"what was written to {self._name} is not what is read")
        await self.remove(key)

    async def _stream(self, key: str) -> AsyncIterator[bytes]:
        answer = await obstore.get_async(self._store, key)
        async for part in answer.stream(min_chunk_size=STREAMED):
            yield bytes(part)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        with translated(self._name):
            yield


class Bucket:
    """Somebody's bucket, to be looked through: `s3://bucket`, and what else S3 needs to know."""

    def __init__(
        self,
        url: str,
        place: Mapping[str, str | None],
        open_client: Callable[[], httpx.AsyncClient],
        clock: Callable[[], datetime],
    ) -> None:
        self._name = url
        self._place = S3Place(urlsplit(url).netloc, "", **place)
        self._open_client = open_client
        self._clock = clock
        with translated(url):
            self._store = open_s3(self._place, is_ours=False)

    async def list(self, prefix: str) -> AsyncIterator[Sequence[Found | Unreadable]]:
        """Go through the objects below a prefix, some at a time."""
        try:
            async for some in self._list(prefix):
                yield some
        except _ListRefused:
            # One key that the library refuses costs it the whole list. What was given before is
            # given again; whoever looks through a bucket knows what it has.
            async for others in self._list_by_hand(prefix):
                yield others

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """Give the bytes of an object, a part at a time. Raises NotLanded."""
        with translated(self._name):
            answer = await obstore.get_async(self._store, key)
            async for part in answer.stream(min_chunk_size=STREAMED):
                yield bytes(part)

    async def _list(self, prefix: str) -> AsyncIterator[Sequence[Found]]:
        with translated(self._name):
            try:
                async for some in obstore.list(
                    self._store, prefix=prefix or None, chunk_size=LISTED_AT_ONCE
                ):
                    yield [
                        Found(
                            one["path"],
                            (one["e_tag"] or one["last_modified"].isoformat()).strip('"'),
                            int(one["size"]),
                            one["last_modified"],
                        )
                        for one in some
                    ]
            except InvalidPathError as error:
                raise _ListRefused from error

    def _list_by_hand(self, prefix: str) -> AsyncIterator[Sequence[Found | Unreadable]]:
        place, below = self._place, prefix.strip("/")
        region = place.region or (None if place.endpoint else os.environ.get("AWS_REGION"))
        asked = Asked(
            place.bucket,
            region or "us-east-1",
            self._clock,
            place.endpoint,
            place.access_key_id,
            place.secret_access_key or "",
        )
        return list_s3(self._open_client, asked, f"{below}/" if below else "")


def open_s3(place: S3Place, *, is_ours: bool = True) -> S3Store:
    """Open a store. What is not said of ours, the standard variables of AWS may say.

    What is not ours gets nothing of what this machine proves itself with: without keys it is asked
    as anybody may ask.
    """
    # The name of its type is there for checkers only, and no import at run time finds it.
    config: Any = {"virtual_hosted_style_request": place.endpoint is None}
    if place.endpoint is not None:
        config["endpoint"] = place.endpoint
    if place.region is not None or place.endpoint is not None:
        config["region"] = place.region or "us-east-1"
    given = None
    if place.access_key_id is not None:
        given = _given(place.access_key_id, place.secret_access_key or "")
    elif not is_ours:
        config["skip_signature"] = True
    return S3Store(
        place.bucket,
        prefix=place.prefix or None,
        config=config,
        credential_provider=given,
        client_options={
            "allow_http": (place.endpoint or "").startswith("http://"),
            "timeout": WITHIN,
            "connect_timeout": CONNECT_WITHIN,
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
    )


def _given(access_key_id: str, secret_access_key: str) -> Callable[[], _Keys]:
    """Give exactly these keys, and no token of a session that the machine may have."""
    keys: _Keys = {
        "access_key_id": access_key_id,
        "secret_access_key": secret_access_key,
        "token": None,
        "expires_at": None,
    }
    return lambda: keys


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn what an object store raises into our own errors."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotLanded(f"{name}: {_words(error)}") from error
    except REFUSED as error:
        raise BucketRefused(f"{name} may not be used: {_words(error)}") from error
    except (BaseError, OSError, ValueError) as error:
        raise LandingUnavailable(f"{name} does not work: {_words(error)}") from error


def _words(error: Exception) -> str:
    # The library's words go on with a dump of its own insides.
    first = str(error).split("Debug source:")[0]
    told = CHATTER.sub("", " ".join(first.split()))
    return told.replace(NOT_SENT, "no server answers at its address")[:300]
