"""One request and its reply, whatever comes back: the one place where HTTP errors are translated.

A server that is down, slow, wrong or hostile is an ordinary day, so nothing is raised for it: every
way a request can end is an `Answer` or a `NoAnswer` with a sentence. What is read is bounded.
"""

import asyncio
import re
import socket
import ssl
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import httpx
from aiohttp.http_exceptions import HttpProcessingError

from delivery.facts.outcome import Answer, Failure, NoAnswer, Reply
from delivery.facts.times import Clock
from delivery.wire.addresses import AddressRefused
from delivery.wire.egress import AddressBlocked

READ = 64 * 1024
KEPT = 8 * 1024
MASK = "***"
LONG_SECRET = 8
"""A secret of so many characters is none of the words that a server uses."""
LONGEST_DELAY = timedelta(days=1)
MOST_HEADERS, LONGEST_HEADER = 50, 1000

FOREIGN = (
    httpx.HTTPError,
    httpx.InvalidURL,
    aiohttp.ClientError,
    HttpProcessingError,
    AddressRefused,
    OSError,
    ValueError,
)
"""What a request may raise; ValueError is how both libraries refuse a header or a URL."""

_SECRET_HEADER = re.compile(r"(?i)cookie|authorization|token|secret|key|password|signature|session")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


async def ask(
    client: httpx.AsyncClient,
    request: httpx.Request,
    *,
    within: timedelta,
    clock: Clock | None = None,
    whole: bool = False,
) -> Reply:
    """Send one request and read its answer, all phases within one limit of time.

    The status decides: once it is there, a body that breaks off or never ends does not take it
    back. With `whole`, for answers whose body is the point, such a body counts as no answer, and
    64 KiB are kept instead of 8. `clock` serves where a server names a date to come back at, but
    not its own.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()
    response: httpx.Response | None = None
    body = bytearray()
    failure: NoAnswer | None = None
    try:
        async with asyncio.timeout(within.total_seconds()):
            response = await client.send(request, stream=True)
            try:
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) >= READ:
                        break
            finally:
                await response.aclose()
    except FOREIGN as error:
        took = timedelta(seconds=loop.time() - start)
        failure = no_answer(error, host=request.url.host, took=took, within=within)
    if response is None or (whole and failure):
        return failure or NoAnswer(Failure.PROTOCOL, "no answer", timedelta())
    return _answer(
        response,
        bytes(body[:READ]),
        took=timedelta(seconds=loop.time() - start),
        clock=clock,
        kept=READ if whole else KEPT,
    )


def _answer(
    response: httpx.Response, body: bytes, *, took: timedelta, clock: Clock | None, kept: int
) -> Answer:
    headers = response.headers
    delay = headers.get("retry-after")
    return Answer(
        status=response.status_code,
        body=_text(body, headers, kept) if body else "",
        took=took,
        retry_after=read_retry_after(delay, headers.get("date"), clock) if delay else None,
        headers=tuple(_masked_headers(headers)),
    )


def no_answer(
    error: BaseException, *, host: str, took: timedelta, within: timedelta | None = None
) -> NoAnswer:
    """Translate what a request raised; the error nearest to the wire knows best."""
    for cause in reversed(list(_causes(error))):
        told = _tell(cause, host)
        if told:
            return NoAnswer(*told, took)
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        limit = f" within {within.total_seconds():g} seconds" if within else " in time"
        return NoAnswer(Failure.TIMEOUT, f"{host} did not answer{limit}", took)
    return NoAnswer(Failure.PROTOCOL, f"{host} did not answer in HTTP: {_say(error)}", took)


def _tell(error: BaseException, host: str) -> tuple[Failure, str] | None:
    match error:
        case AddressBlocked() | AddressRefused():
            return Failure.ADDRESS_REFUSED, _say(error)
        case httpx.InvalidURL() | aiohttp.InvalidURL() | httpx.UnsupportedProtocol():
            return Failure.ADDRESS_REFUSED, f"the address cannot be used: {_say(error)}"
        case ssl.SSLCertVerificationError():
            why = error.verify_message or _say(error)
            return Failure.TLS, f"the certificate of {host} is not valid: {why}"
        case ssl.SSLError() | aiohttp.ClientSSLError() | ssl.CertificateError():
            return Failure.TLS, f"no secure connection to {host}: {_say(error)}"
        case socket.gaierror():
            return Failure.NAME_NOT_FOUND, f"the name {host} cannot be resolved: {_say(error)}"
        case ConnectionRefusedError():
            return Failure.CONNECTION_REFUSED, f"{host} refuses connections"
        case httpx.ConnectError():
            return Failure.CONNECTION_REFUSED, f"{host} cannot be reached: {_say(error)}"
        case ConnectionError() | aiohttp.ServerDisconnectedError() | httpx.NetworkError():
            return Failure.CONNECTION_RESET, f"{host} closed the connection before it answered"
        case aiohttp.ClientPayloadError():
            return Failure.CONNECTION_RESET, f"the answer of {host} broke off"
        case aiohttp.ServerTimeoutError() | TimeoutError():
            return None
        case OSError():
            return Failure.CONNECTION_REFUSED, f"{host} cannot be reached: {_say(error)}"
        case _:
            return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _say(error: BaseException) -> str:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return _CONTROL.sub(" ", words).strip()[:300] or type(error).__name__


def read_retry_after(value: str, date: str | None, clock: Clock | None) -> timedelta | None:
    """Read a Retry-After of seconds, or of a date by the server's own clock if it tells it.

    Bounded to a day; None if it makes no sense (RFC 9110, 10.2.3).
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value[:9])), LONGEST_DELAY)
    until, now = _moment(value), (_moment(date) if date else None)
    if now is None and clock:
        now = clock()
    if until is None or now is None:
        return None
    return min(max(until - now, timedelta()), LONGEST_DELAY)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(body: bytes, headers: httpx.Headers, kept: int) -> str:
    if headers.get("content-encoding", "identity").lower() in {"gzip", "x-gzip", "deflate"}:
        body = _unpacked(body, kept)
    return body[:kept].decode(_encoding(headers), "replace")


def _unpacked(body: bytes, kept: int) -> bytes:
    """Unpack what came compressed although we asked that it be not; never more than is kept."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, kept)
    except zlib.error:
        return body


def _encoding(headers: httpx.Headers) -> str:
    content_type = headers.get("content-type", "")
    return "latin-1" if "iso-8859-1" in content_type.lower() else "utf-8"


def _masked_headers(headers: httpx.Headers) -> Iterator[tuple[str, str]]:
    for name, value in headers.multi_items()[:MOST_HEADERS]:
        yield name, MASK if _SECRET_HEADER.search(name) else value[:LONGEST_HEADER]


def masked(reply: Reply, secrets: Iterable[str]) -> Reply:
    """Take every secret out of a reply, wherever a server may have echoed it."""
    found = [secret for secret in secrets if secret and _mentions(reply, secret)]
    # The longest first: a secret may be part of another.
    for secret in sorted(found, key=len, reverse=True):
        reply = _without(reply, _echo(secret))
    return reply


def _echo(secret: str) -> re.Pattern[str]:
    """Give where a secret is echoed: a short one only by itself, for words have its letters too."""
    written = re.escape(secret)
    return re.compile(written if len(secret) >= LONG_SECRET else rf"(?<!\w){written}(?!\w)")


def _mentions(reply: Reply, secret: str) -> bool:
    match reply:
        case NoAnswer():
            return secret in reply.detail
        case Answer():
            return secret in reply.body or any(secret in value for _, value in reply.headers)


def _without(reply: Reply, echo: re.Pattern[str]) -> Reply:
    match reply:
        case NoAnswer():
            return replace(reply, detail=echo.sub(MASK, reply.detail))
        case Answer():
            headers = tuple((name, echo.sub(MASK, value)) for name, value in reply.headers)
            return replace(reply, body=echo.sub(MASK, reply.body), headers=headers)
