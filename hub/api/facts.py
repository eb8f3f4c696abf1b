"""What the one log line of a request says of it, beside what every request has."""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.types import Scope

MOST_IDS = 20
FACTS = "facts"


def note(request: Request, **facts: object) -> None:
    """Add facts to the request's log line: ids and counts, never bodies or secrets."""
    request.scope.setdefault("state", {}).setdefault(FACTS, {}).update(facts)


def noted(scope: Scope) -> dict[str, object]:
    """Give the facts that were added."""
    found: dict[str, object] = scope.get("state", {}).get(FACTS, {})
    return found


def some(ids: Iterable[str]) -> list[str]:
    """Give so many ids as a line should hold; the count stands beside them."""
    return [one for one, _ in zip(ids, range(MOST_IDS), strict=False)]
