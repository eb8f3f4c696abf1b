"""What the pages say: states, lengths of time and numbers in plain words. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

Facts = Mapping[str, Any]
PHRASES = {status.value: status.phrase for status in HTTPStatus}
ANSWERED = re.compile(r"HTTP (\d{3})\b")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a sentence; with `at`, of a moment, which the page keeps true (`tell`)."""

    text: str
    at: str = ""
    tell: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """How an integration stands: in a word, a sentence, and what there is to do about it."""

    word: str
    tone: str
    """`good`, `waits`, `bad` or `off`: a colour, and never only that."""
    sentence: str
    advice: str = ""
    short: str = ""
    """Why, in a few words, for a row of a table."""
    said: str = ""
    """All that the server said, where that is more."""
    pieces: tuple[Piece, ...] = ()
    """The sentence with its moments, which a page keeps true."""

    @classmethod
    def of(
        cls,
        word: str,
        tone: str,
        pieces: tuple[Piece, ...],
        advice: str = "",
        *,
        short: str = "",
        said: str = "",
    ) -> "State":
        """Make the sentence of its pieces."""
        sentence = "".join(piece.text for piece in pieces)
        return cls(word, tone, sentence, advice, short, said, pieces)


def state_of(integration: Facts, now: datetime, forecast: Facts | None = None) -> State:
    """Say how an integration stands, and with a forecast how long catching up will take."""
    health = integration["health"]
    if health is None:
        pieces = (Piece("How it stands cannot be told at the moment."),)
        return State.of(
            "unknown", "waits", pieces, "Redis does not answer; look again in a minute."
        )
    short, reason = brief(health["reason"]), health["reason"] or ""
    said = reason if reason != short else ""
    waits = _waiting(health, now)
    told: tuple[Piece, ...]
    match health["status"]:
        case "flowing" if health["parked"]:
            parked = statements(health["parked"], "was", "were")
            told = (Piece(f"Statements are delivered; {parked} refused and set aside"),)
            return State.of(
                "flowing",
                "waits",
                _sentence(told, waits, _catching_up(health, forecast, "")),
                "Look at what the server said of them, then release or discard them.",
                short=f"{parked} refused and set aside",
            )
        case "flowing":
            told = (Piece("Statements are delivered as they come"),)
            waits = waits or (Piece("nothing waits"),)
            return State.of(
                "flowing", "good", _sentence(told, waits, _catching_up(health, forecast, ""))
            )
        case "down":
            told = (Piece(f"Waiting for the customer's server: {short}"), *_since(health, now))
            catching_up = _catching_up(health, forecast, " once it answers")
            return State.of(
                "down",
                "bad",
                _sentence(told, _next_attempt(health, now), waits, catching_up),
                "Nothing has to be done here: it is tried every minute, for as long as it takes, "
                "and then everything goes out. The test shows each step of the way now.",
                short=short,
                said=said,
            )
        case "refused":
            told = (Piece(f"The server refuses us: {short}"), *_since(health, now))
            catching_up = _catching_up(health, forecast, " once that is put right")
            return State.of(
                "refused",
                "bad",
                _sentence(told, waits, catching_up),
                "Correct the address or the credentials; saving releases everything.",
                short=short,
                said=said,
            )
        case _:
            told = (Piece("Somebody disabled it"), *_since(health, now))
            catching_up = _catching_up(health, forecast, " once it is enabled")
            return State.of(
                "disabled",
                "off",
                _sentence(told, waits, catching_up),
                "What arrives is held until it is enabled.",
            )


@dataclass(frozen=True, slots=True)
class Day:
    """The last 24 hours: pairs of what went well and what did not, and all of it in words."""

    hours: Sequence[tuple[int, int]]
    words: str


def day_of(activity: Sequence[Facts]) -> Day:
    """Say what became of statements in the last 24 hours."""
    hours = [(hour["delivered"], hour["failed"]) for hour in activity]
    delivered, failed = (sum(counts) for counts in zip(*hours, strict=True))
    failures = "1 failure" if failed == 1 else f"{number(failed)} failures"
    return Day(hours, f"{number(delivered)} delivered, {failures} in the last 24 hours")


def brief(reason: str | None) -> str:
    """Say in a few words why a server was not reached, or what it answered."""
    found = ANSWERED.match(reason or "")
    if found is None:
        return (reason or "").partition(": ")[0]
    code = int(found[1])
    return f"{code} {PHRASES[code]}" if code in PHRASES else f"HTTP {code}"


def statements(count: int, one: str, many: str) -> str:
    """Say how many statements there are."""
    return f"1 statement {one}" if count == 1 else f"{number(count)} statements {many}"


def written(facts: object) -> str:
    """Write JSON for people: as it stands, indented, in every script there is."""
    return json.dumps(facts, indent=2, ensure_ascii=False)


def number(value: float) -> str:
    """Write a number with separators."""
    return f"{value:,}"


def age(length: timedelta) -> str:
    """Write a length of time with its two largest units: `3 h 12 min`."""
    seconds = max(int(length.total_seconds()), 0)
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    for place, (unit, size) in enumerate(units):
        if seconds >= size:
            count, rest = divmod(seconds, size)
            further = ""
            if place + 1 < len(units) and rest >= units[place + 1][1]:
                further = f" {rest // units[place + 1][1]} {units[place + 1][0]}"
            return f"{count} {unit}{further}"
    return "0 s"


def moment(text: str) -> datetime:
    """Read a moment as the API writes it."""
    return datetime.fromisoformat(text)


def milliseconds(length: float | None) -> str:
    """Write a length in milliseconds: `40 ms`, `1.2 s`, `3 h 12 min`; nothing where none is."""
    if length is None:
        return ""
    if length < 1000:
        return f"{length:.0f} ms"
    return f"{length / 1000:.1f} s" if length < 60_000 else age(timedelta(milliseconds=length))


def _sentence(*parts: tuple[Piece, ...]) -> tuple[Piece, ...]:
    said = [part for part in parts if part]
    joined = [piece for part in said for piece in (Piece("; "), *part)]
    return (*joined[1:], Piece("."))


def _since(health: Facts, now: datetime) -> tuple[Piece, ...]:
    if health["since"] is None:
        return ()
    since = moment(health["since"])
    day = "" if since.date() == now.date() else f"{since:%Y-%m-%d} "
    return Piece(" since "), Piece(f"{day}{since:%H:%M} UTC", health["since"], "clock")


def _waiting(health: Facts, now: datetime) -> tuple[Piece, ...]:
    if not health["queued"]:
        return ()
    told = Piece(statements(health["queued"], "waits", "wait"))
    if health["oldestQueuedAt"] is None:
        return (told,)
    oldest = age(now - moment(health["oldestQueuedAt"]))
    who = "" if health["queued"] == 1 else "the oldest "
    return told, Piece(f", {who}for "), Piece(oldest, health["oldestQueuedAt"], "age")


def _next_attempt(health: Facts, now: datetime) -> tuple[Piece, ...]:
    if health["nextAttemptAt"] is None:
        return ()
    left = moment(health["nextAttemptAt"]) - now
    when = f"in {age(left)}" if left > timedelta() else "now"
    return Piece("the next attempt is "), Piece(when, health["nextAttemptAt"], "until")


def _catching_up(health: Facts, forecast: Facts | None, once: str) -> tuple[Piece, ...]:
    if not health["queued"] or forecast is None:
        return ()
    if forecast["seconds"] is None:
        return (Piece(f"how long catching up takes{once} is not known yet"),)
    return (Piece(f"about {age(timedelta(seconds=forecast['seconds']))} to catch up{once}"),)
