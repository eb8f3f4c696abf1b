"""How an API is asked page by page, and from where on: requests out, facts of answers in. Pure.

Sources: RFC 8288 (Link), RFC 6901 (JSON pointers), RFC 9110 10.2.3 (Retry-After).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from hub.sources.settings import PLAIN, PollSource

WORD = r"[^\s\",;=<>]+"
PARAMETER = rf"\s*;\s*(?:({WORD})\s*(?:=\s*(?:\"((?:[^\"\\]|\\.)*)\"|({WORD})))?)?"
LINK = re.compile(rf"<([^<>]*)>((?:{PARAMETER})*)")
IS_PLAIN = re.compile(f"{PLAIN}*")
MOST_LENGTH = 4096
LONGEST_MARK = 200
MOST_SHOWN = 100
SKEW = timedelta(days=1)
"""How far ahead of ours the clocks of others may be."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where the next page is. `number` counts pages of this round from 0."""

    url: str
    number: int = 0


class Strange(Exception):
    """An answer that cannot be gone on from; says why."""


def first(source: PollSource, mark: str | None) -> Step:
    """Say where a round begins; `mark` is the highest value seen before. Raises Strange."""
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
    return Step(_checked(source, _with(source.url, said), "the address with the mark in it"))


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
            url = _address(step.url, _link(headers.get("link", "")))
        case "next":
            url = _address(step.url, _word(document, paging.field or ""))
        case "cursor":
            word, name = _word(document, paging.field or ""), paging.parameter or "cursor"
            url = None if word is None else _with(step.url, {name: word})
        case "page":
            name = paging.parameter or "page"
            url = _with(step.url, {name: str(paging.first + number)}) if records else None
        case "offset":
            name, size = paging.parameter or "offset", paging.size or 1
            url = _with(step.url, {name: str(number * size)}) if records >= size else None
    return None if url is None else Step(_checked(source, url, "the next page's address"), number)


def records_of(document: object, pointer: str) -> list[object]:
    """Give the records of a page. Raises Strange."""
    found = at(document, pointer)
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        return [found]
    raise Strange(f"there are no records at {pointer or 'the root'} of the answer")


def highest(
    source: PollSource, records: list[object], mark: str | None, now: datetime
) -> str | None:
    """Give the high-water mark after these records: texts compare as texts, numbers as numbers.

    Times that are still to come move no mark, or all until then would be missed. Raises Strange.
    """
    if source.cursor is None:
        return mark
    for one in records:
        value = at(one, "/" + source.cursor.field.replace(".", "/"))
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            said = str(value)
            if len(said) > LONGEST_MARK:
                words = f"has {len(said)} characters; a mark has at most {LONGEST_MARK}"
                raise Strange(f"the value of {source.cursor.field} {words}")
            if not _is_to_come(source, said, now):
                mark = said if mark is None else max(mark, said, key=_order)
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
        times = _each_second(mark)
        return str(max(int(Decimal(mark)) - int(overlap.total_seconds()) * times, 0))
    moment = _moment(mark)
    try:
        before = None if moment is None else moment - overlap
    except OverflowError:
        return mark
    return mark if before is None else before.isoformat().replace("+00:00", "Z")


def _is_to_come(source: PollSource, mark: str, now: datetime) -> bool:
    latest = now + SKEW
    if _is_number(mark):
        # Only of those that are times can one take an overlap away.
        is_time = source.cursor is not None and source.cursor.overlap_seconds > 0
        return is_time and Decimal(mark) / _each_second(mark) > Decimal(latest.timestamp())
    moment = _moment(mark)
    return moment is not None and moment > latest


def _order(mark: str) -> tuple[Decimal, str]:
    if _is_number(mark):
        return Decimal(mark), mark
    moment = _moment(mark)
    return Decimal(0 if moment is None else moment.timestamp()), mark


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _each_second(mark: str) -> int:
    """Say how many there are to a second: marks are seconds or milliseconds since 1970."""
    return 1000 if Decimal(mark) >= 10**11 else 1


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,100}(\.[0-9]+)?", text) is not None


def _word(document: object, pointer: str) -> str | None:
    """Give a word that leads on; None if there is none."""
    found = at(document, pointer)
    if found in (None, "", False):
        return None
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise Strange(f"what is at {pointer} leads nowhere: it is neither a text nor a number")
    return str(found)


def _link(header: str) -> str | None:
    for link in LINK.finditer(header):
        for name, quoted, bare in re.findall(PARAMETER, link[2]):
            if name.lower() == "rel" and "next" in (quoted or bare).lower().split():
                return link[1]
    return None


def _address(base: str, named: str | None) -> str | None:
    if not named:
        return None
    try:
        # Controls are looked for before: joining would take some of them away.
        if IS_PLAIN.fullmatch(named):
            return urljoin(base, named)
    except ValueError:
        pass
    raise Strange(f"the next page's address, {named[:MOST_SHOWN]!r}, is no address")


def _checked(source: PollSource, url: str, what: str) -> str:
    if len(url) > MOST_LENGTH:
        raise Strange(f"{what} is too long: it has {len(url)} characters")
    # A page elsewhere would be handed our credentials.
    if urlsplit(url)[:2] != urlsplit(source.url)[:2]:
        raise Strange(f"{what} is on another server, {urlsplit(url).netloc[:MOST_SHOWN]}")
    return url


def _with(url: str, said: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    left = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    query = [(name, value) for name, value in left if name not in said] + list(said.items())
    return urlunsplit(parts._replace(query=urlencode(query)))
