"""The log of requests: what came to the LRS and to the token endpoint, and how it ended."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from config.sandbox.line import Ending, Unanswered

MOST_IDS = 50


class Entry(Struct, frozen=True):
    """One request. Of the credentials only the scheme is kept."""

    at: datetime
    endpoint: str
    method: str
    path: str
    status: int | None
    """None where no answer was given."""
    ending: Ending
    count: int
    ids: tuple[str, ...]
    authorization: str | None
    traceparent: str | None
    """The trace the request said it belongs to (W3C Trace Context)."""


class RequestLog:
    """The latest requests, oldest forgotten first."""

    def __init__(self, keep: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=keep)

    def entries(self, endpoint: str | None = None) -> list[Entry]:
        """Return the requests, newest first."""
        return [one for one in reversed(self._entries) if endpoint in {None, one.endpoint}]

    def note(
        self,
        request: Request,
        response: Response,
        *,
        at: datetime,
        endpoint: str,
        ids: Sequence[str] = (),
        count: int = 0,
    ) -> None:
        unanswered = isinstance(response, Unanswered)
        self._entries.append(
            Entry(
                at=at,
                endpoint=endpoint,
                method=request.method,
                path=request.url.path,
                status=None if unanswered else response.status_code,
                ending=response.ending if isinstance(response, Unanswered) else Ending.ANSWERED,
                count=count,
                ids=tuple(ids[:MOST_IDS]),
                authorization=scheme_of(request),
                traceparent=request.headers.get("traceparent"),
            )
        )

    def forget(self) -> None:
        self._entries.clear()


def scheme_of(request: Request) -> str | None:
    """Name the way a caller proves itself, never with what."""
    scheme, blank, _ = request.headers.get("authorization", "").partition(" ")
    return scheme if blank else None
