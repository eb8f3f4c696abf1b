"""How an API is asked page by page, and from where on: requests out, facts of answers in. Pure.

Sources: RFC 8288 (Link), RFC 6901 (JSON pointers), RFC 9110 10.2.3 (Retry-After).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from hub.sources.settings import PollSource

LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[^,;]+)*)")
NEXT = re.compile(r";\s*rel\s*=\s*\"?[^\"]*\bnext\b", re.IGNORECASE)
MOST_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class Step:
    """Where the next page is. `number` counts pages of this round from 0."""

    url: str
    number: int = 0


class Strange(Exception):
    """An answer that cannot be gone on from; says why."""


def first(source: PollSource, mark: str | None) -> Step:
    """Say where a round begins; `mark` is the highest value that was seen before."""
    said: dict[str, str] = {}
    paging, cursor = source.paging, source.cursor
    if cursor is not None and (since := _since(source, mark)) is not None:
        said[cursor.parameter] = since
    if paging.type == "page":
        said[paging.parameter or "page"] = str(paging.first)
    if paging.type == "offset":
        said[paging.parameter or "offset"] = "0"
    if paging.size is not None:
        said[paging.size_parameter or "limit"] = str(paging.size)
    return Step(_with(source.url, said))


def following(
    source: PollSource, step: Step, document: object, headers: Mapping[str, str], records: int
) -> Step | None:
    """Say where the page after this one is; None if this was the last. Raises Strange."""
    paging, number = source.paging, step.number + 1
    url: str | None = None
    match paging.type:
        case "none":
            return None
        case "link":
            found = _link(headers.get("link", ""))
            url = urljoin(step.url, found) if found else None
        case "next":
            named = at(document, paging.field or "")
            url = urljoin(step.url, named) if isinstance(named, str) and named else None
        case "cursor":
            word = at(document, paging.field or "")
            name = paging.parameter or "cursor"
            url = _with(step.url, {name: str(word)}) if word not in (None, "", False) else None
        case "page":
            name = paging.parameter or "page"
            url = _with(step.url, {name: str(paging.first + number)}) if records else None
        case "offset":
            name, size = paging.parameter or "offset", paging.size or 1
            url = _with(step.url, {name: str(number * size)}) if records >= size else None
    if url is None:
        return None
    if url == step.url:
        raise Strange("the next page is the page itself")
    if len(url) > MOST_LENGTH:
        raise Strange("the address of the next page is too long")
    # A page elsewhere would be handed our credentials.
    if urlsplit(url)[:2] != urlsplit(source.url)[:2]:
        raise Strange(f"the next page is on another server, {urlsplit(url).netloc}")
    return Step(url, number)


def records_of(document: object, pointer: str) -> list[object]:
    """Give the records of a page. Raises Strange."""
    found = at(document, pointer)
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        return [found]
    raise Strange(f"there are no records at {pointer or 'the root'} of the answer")


def highest(source: PollSource, records: list[object], mark: str | None) -> str | None:
    """Give the high-water mark after these records: texts compare as texts, numbers as numbers."""
    if source.cursor is None:
        return mark
    for one in records:
        value = at(one, "/" + source.cursor.field.replace(".", "/"))
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            mark = str(value) if mark is None else max(mark, str(value), key=_order)
    return mark


def at(document: object, pointer: str) -> object:
    """Give what a JSON pointer leads to; None if it leads nowhere."""
    found = document
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found


def _since(source: PollSource, mark: str | None) -> str | None:
    cursor = source.cursor
    if cursor is None or mark is None:
        return cursor.initial if cursor else None
    if not cursor.overlap_seconds:
        return mark
    overlap = timedelta(seconds=cursor.overlap_seconds)
    if _is_number(mark):
        # Seconds or milliseconds since 1970.
        times = 1000 if float(mark) >= 1e11 else 1
        return str(int(float(mark)) - int(overlap.total_seconds()) * times)
    try:
        moment = datetime.fromisoformat(mark)
    except ValueError:
        return mark
    before = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - overlap
    return before.isoformat().replace("+00:00", "Z")


def _order(mark: str) -> tuple[float, str]:
    if _is_number(mark):
        return float(mark), mark
    try:
        moment = datetime.fromisoformat(mark)
    except ValueError:
        return 0.0, mark
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(), mark


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d{1,18}(\.\d+)?", text) is not None


def _link(header: str) -> str | None:
    links: Iterator[re.Match[str]] = LINK.finditer(header)
    return next((found[1] for found in links if NEXT.search(found[2])), None)


def _with(url: str, said: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    left = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    query = [(name, value) for name, value in left if name not in said] + list(said.items())
    return urlunsplit(parts._replace(query=urlencode(query)))
