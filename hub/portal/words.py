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
class State:
    """How an integration stands: in a word, a sentence, and what there is to do about it."""

    word: str
    tone: str
    """`good`, `waits`, `bad` or `off`: a colour, and never only that."""
    sentence: str
    advice: str = ""
    short: str = ""
    """Why, in a few words, for a row of a table."""


def state_of(integration: Facts, now: datetime) -> State:
    """Say how an integration stands."""
    health = integration["health"]
    if health is None:
        return State("unknown", "waits", "How it stands cannot be told at the moment.")
    waits = _waiting(health, now)
    since = "" if health["since"] is None else f" since {clock(health['since'])} UTC"
    match health["status"]:
        case "flowing" if health["parked"]:
            parked = statements(health["parked"], "was", "were")
            return State(
                "flowing",
                "waits",
                f"Statements are delivered; {parked} refused and set aside.",
                "Look at what the server said of them, then release or discard them.",
                short=f"{parked} refused and set aside",
            )
        case "flowing":
            told = waits or "Nothing waits."
            return State("flowing", "good", f"Statements are delivered as they come. {told}")
        case "down":
            attempt = _next_attempt(health, now)
            return State(
                "down",
                "bad",
                f"Waiting for the customer's server: {health['reason']}{since}. {attempt}{waits}",
                "Nothing has to be done here: it is tried every minute, for as long as it takes, "
                "and then everything goes out. The test shows each step of the way now.",
                short=brief(health["reason"]),
            )
        case "refused":
            return State(
                "refused",
                "bad",
                f"The server refuses us: {health['reason']}{since}. {waits}",
                "Correct the address or the credentials; saving releases everything.",
                short=brief(health["reason"]),
            )
        case _:
            return State("disabled", "off", f"Somebody disabled it{since}. {waits}", "Enable it.")


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


def clock(text: str) -> str:
    """Write the time of day of a moment."""
    return f"{moment(text):%H:%M}"


def _waiting(health: Facts, now: datetime) -> str:
    if not health["queued"]:
        return ""
    told = statements(health["queued"], "waits", "wait")
    if health["oldestQueuedAt"] is None:
        return f"{told}."
    oldest = moment(health["oldestQueuedAt"])
    return f"{told}, the oldest for {age(now - oldest)}."


def _next_attempt(health: Facts, now: datetime) -> str:
    if health["nextAttemptAt"] is None:
        return ""
    left = moment(health["nextAttemptAt"]) - now
    when = f"in {age(left)}" if left > timedelta() else "now"
    return f"The next attempt is {when}. "
