"""Listing a bucket of S3 by hand: for buckets with keys that the object store's library refuses.

It gives up on a whole list for one such key. Here such a key is told, and the others are given.
"""

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, unquote_plus, urlsplit
from xml.parsers import expat

import httpx

from hub.errors import LandingUnavailable
from hub.landing.found import Found, Unreadable, objection

LARGEST_PAGE = 8 * 1024 * 1024
AMAZON = "https://s3.{region}.amazonaws.com"
NOBODY = hashlib.sha256(b"").hexdigest()
TOLD = {"Key", "ETag", "Size", "LastModified"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which bucket is listed, and with which keys; without any, as anybody may."""

    bucket: str
    region: str
    clock: Callable[[], datetime]
    endpoint: str | None = None
    access_key_id: str | None = None
    secret_access_key: str = field(default="", repr=False)

    def page(self, prefix: str, token: str | None) -> str:
        """Give the address of a page of the list."""
        said = {"encoding-type": "url", "list-type": "2", "prefix": prefix}
        if token is not None:
            said["continuation-token"] = token
        query = "&".join(f"{name}={quote(said[name], safe='')}" for name in sorted(said))
        base = self.endpoint or AMAZON.format(region=self.region)
        return f"{base.rstrip('/')}/{self.bucket}?{query}"

    def headers(self, url: str, now: datetime) -> dict[str, str]:
        """Sign a request for an address, as AWS Signature Version 4 has it."""
        if self.access_key_id is None:
            return {}
        parts = urlsplit(url)
        time = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        sent = {"host": parts.netloc, "x-amz-content-sha256": NOBODY, "x-amz-date": time}
        names = ";".join(sent)
        lines = [f"{name}:{value}" for name, value in sent.items()]
        request = "\n".join(["GET", parts.path, parts.query, *lines, "", names, NOBODY])
        scope = f"{time[:8]}/{self.region}/s3/aws4_request"
        hashed = hashlib.sha256(request.encode()).hexdigest()
        key = f"AWS4{self.secret_access_key}".encode()
        for word in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashed}"):
            key = hmac.digest(key, word.encode(), "sha256")
        sent["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key_id}/{scope}, "
            f"SignedHeaders={names}, Signature={key.hex()}"
        )
        return sent


@dataclass(slots=True)
class _Page:
    found: list[Found | Unreadable] = field(default_factory=list)
    next_token: str | None = None


async def list_s3(
    open_client: Callable[[], httpx.AsyncClient], asked: Asked, prefix: str
) -> AsyncIterator[Sequence[Found | Unreadable]]:
    """Go through the objects below a prefix, a page at a time. Raises LandingUnavailable."""
    token = None
    async with open_client() as client:
        while True:
            page = _read(await _fetch(client, asked, prefix, token))
            yield page.found
            if page.next_token is None or page.next_token == token:
                return
            token = page.next_token


async def _fetch(client: httpx.AsyncClient, asked: Asked, prefix: str, token: str | None) -> bytes:
    url, content = asked.page(prefix, token), bytearray()
    name = f"s3://{asked.bucket}"
    try:
        async with client.stream("GET", url, headers=asked.headers(url, asked.clock())) as answer:
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > LARGEST_PAGE:
                    raise LandingUnavailable(f"a page of the list of {name} is too large")
    except httpx.HTTPError as error:
        raise LandingUnavailable(f"{name} cannot be listed: {error}") from error
    if answer.status_code != httpx.codes.OK:
        raise LandingUnavailable(f"{name} cannot be listed: it answers {answer.status_code}")
    return bytes(content)


def _read(content: bytes) -> _Page:
    reading = _Reading()
    try:
        reading.read(content)
        return reading.page()
    except (expat.ExpatError, ValueError, KeyError) as error:
        raise LandingUnavailable(f"the list of the bucket cannot be read: {error}") from error


class _Reading:
    """Reads a page: objects, and what the next page is asked for with."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._text = ""
        self._object: dict[str, str] = {}
        self._objects: list[dict[str, str]] = []
        self._said: dict[str, str] = {}

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(content, True)

    def page(self) -> _Page:
        is_encoded = self._said.get("EncodingType") == "url"
        return _Page(
            [_found(one, is_encoded=is_encoded) for one in self._objects],
            self._said.get("NextContinuationToken") or None,
        )

    def _doctype(self, *_: object) -> None:
        # Entities are declared in it, and a list has none.
        raise ValueError("it declares a document type")

    def _start(self, name: str, _: object) -> None:
        self._path.append(name.rpartition(":")[2])
        self._text = ""
        if self._path[1:] == ["Contents"]:
            self._object = {}

    def _characters(self, text: str) -> None:
        self._text += text

    def _end(self, _: str) -> None:
        match self._path[1:]:
            case ["Contents"]:
                self._objects.append(self._object)
            case ["Contents", name] if name in TOLD:
                self._object[name] = self._text
            case [name]:
                self._said[name] = self._text
            case _:
                pass
        self._path.pop()
        self._text = ""


def _found(one: dict[str, str], *, is_encoded: bool) -> Found | Unreadable:
    key = unquote_plus(one["Key"]) if is_encoded else one["Key"]
    changed_at = datetime.fromisoformat(one["LastModified"])
    size = int(one["Size"])
    # What stands for a folder is an empty object whose key ends with a slash.
    if size and (reason := objection(key)):
        return Unreadable(key, reason)
    return Found(key, one.get("ETag", changed_at.isoformat()).strip('"'), size, changed_at)
