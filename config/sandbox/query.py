"""What GET of statements may ask for, and which statements that selects."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import ClassVar
from urllib.parse import urlencode

from starlette.requests import Request

from config.sandbox.errors import RefusedRequest
from config.sandbox.lrs import Held

LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Query:
    """The query parameters, read. `position` is our own, and stands only in `more`."""

    READING: ClassVar[tuple[str, ...]] = ("statementId", "limit", "ascending", "since", "position")

    statement_id: str | None = None
    limit: int = LARGEST_PAGE
    ascending: bool = False
    since: datetime | None = None
    position: int | None = None

    @staticmethod
    def of(request: Request, allowed: Sequence[str]) -> "Query":
        """Read the parameters; refuse what is unknown, as xAPI asks, or cannot be read."""
        given = request.query_params
        for name in given:
            if name not in allowed:
                raise RefusedRequest(400, f"unknown query parameter {name!r}")
        statement_id = given.get("statementId")
        return Query(
            statement_id=statement_id and statement_id.lower(),
            limit=_number("limit", given.get("limit")) or LARGEST_PAGE,
            ascending=_truth("ascending", given.get("ascending")),
            since=_moment("since", given.get("since")),
            position=_number("position", given.get("position")),
        )

    def selects(self, held: Held) -> bool:
        if self.since is not None and held.stored <= self.since:
            return False
        if self.position is None:
            return True
        return held.place > self.position if self.ascending else held.place < self.position


def select(kept: Sequence[Held], query: Query) -> tuple[list[Held], str]:
    """Return one page of statements in the order asked for, and where more of them are."""
    size = min(query.limit, LARGEST_PAGE)
    line = kept if query.ascending else reversed(kept)
    found = list(islice((held for held in line if query.selects(held)), size + 1))
    if len(found) <= size:
        return found, ""
    page = found[:size]
    return page, _address(replace(query, position=page[-1].place))


def _address(query: Query) -> str:
    asked: dict[str, str | int | None] = {
        "limit": query.limit,
        "ascending": str(query.ascending).lower(),
        "position": query.position,
    }
    if query.since is not None:
        asked["since"] = query.since.isoformat()
    return f"/xapi/statements?{urlencode(asked)}"


def _number(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise RefusedRequest(400, f"{name} {text!r} is not a whole number")
    return int(text)


def _truth(name: str, text: str | None) -> bool:
    if text not in {None, "true", "false"}:
        raise RefusedRequest(400, f"{name} {text!r} is neither true nor false")
    return text == "true"


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as flaw:
        raise RefusedRequest(400, f"{name} {text!r} is not an ISO 8601 timestamp") from flaw
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
