"""Where a statement is, what happened to it, and how far work has come, in plain words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub.portal.wording.plain import State, age, brief, moment, number, written

Facts = Mapping[str, Any]

SIZES = ("bytes", "KB", "MB", "GB", "TB")
LANES = {
    "front": "It was released or sent again, and goes before what waits in the queue.",
    "queue": "It goes out in its turn.",
    "back": "It is sent again, once nothing else waits.",
}
DOING = {"replay": "Sending again", "release": "Releasing", "discard": "Discarding"}
DONE = {"replay": "sent again", "release": "released", "discard": "discarded"}
SAID = {
    "accepted": "Accepted into the queue",
    "parked": "Parked",
    "delivered": "Delivered",
    "changed": "The address or the credentials of the integration were changed, which releases "
    "what was refused",
}
STEERED = {
    "released": "Released",
    "discarded": "Discarded",
    "purged": "What waited was thrown away",
    "replayed": "Sent again",
}
LONGEST = 64 * 1024
"""So many characters of a statement are shown."""
ENDED = frozenset({"done", "cancelled"})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an operation is."""

    title: str
    state: str
    tone: str
    settled: int
    total: int
    words: str
    left: str
    """How long it may take from here; empty if that cannot be told."""


def size(count: float) -> str:
    """Write a number of bytes: `1.2 MB`."""
    for unit in SIZES:
        if count < 1000 or unit == SIZES[-1]:
            return f"{count:.0f} {unit}" if unit == SIZES[0] else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError(count)


def pretty(statement: Facts) -> str:
    """Write a statement to be read."""
    text = written(statement)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n… and {len(text) - LONGEST:,} more characters"


def outcome_of(attempt: Facts) -> State:
    """Say how a request ended."""
    match attempt["outcome"]:
        case "accepted":
            return State("accepted", "good", "The server took it.")
        case "refused":
            return State("refused", "bad", "The server would not have it.")
        case _:
            return State("unavailable", "waits", "The server could not take it at that time.")


def place_of(found: Facts) -> State:
    """Say where a statement is."""
    tries = "1 request" if found["attempts"] == 1 else f"{number(found['attempts'])} requests"
    match found["state"]:
        case "queued":
            return State("waits", "waits", f"{_line(found['waiting'])} {_tried(found)}".strip())
        case "parked":
            told = brief(found["parked"]["reason"]) if found["parked"] else "the server refused it"
            return State("parked", "bad", f"It was refused and set aside: {told}.")
        case "delivered":
            return State("delivered", "good", f"The customer's server has it, after {tries}.")
        case _:
            return State("discarded", "off", "It was given up, and is not sent.")


def happened(one: Facts) -> str:
    """Say what happened to a statement, for the line of its story."""
    if one["what"] == "attempted":
        return _attempted(one)
    if one["what"] in SAID:
        return SAID[one["what"]]
    told = STEERED[one["what"]]
    if one["certain"] or not one["statements"]:
        return told
    count = one["statements"]
    others = "1 statement" if count == 1 else f"{number(count)} statements"
    return f"{told}: {others} of this integration at once, this one perhaps among them"


def progress_of(operation: Facts, now: datetime) -> Progress:
    """Say how far an operation is, and how long it may take from here."""
    kind, state = operation["kind"], operation["state"]
    settled = operation["done"] + operation["skipped"]
    words = f"{number(operation['done'])} of {number(operation['statements'])} {DONE[kind]}"
    if operation["skipped"]:
        words += f", {number(operation['skipped'])} skipped: they wait already, or ended meanwhile"
    remaining = max(operation["statements"] - settled, 0)
    if remaining and state not in ENDED:
        words += f", {number(remaining)} to go"
    tones = {"running": "waits", "paused": "off", "cancelling": "off", "cancelled": "off"}
    return Progress(
        title=DOING[kind],
        state=state,
        tone=tones.get(state, "good"),
        settled=settled,
        total=max(operation["statements"], 1),
        words=words,
        left=_left(operation, settled, remaining, now),
    )


def _left(operation: Facts, settled: int, remaining: int, now: datetime) -> str:
    worked = now - moment(operation["beganAt"])
    if operation["state"] != "running" or not settled or worked <= timedelta():
        return ""
    if not remaining:
        return "All of them are in line; it is done when the last has gone out."
    return f"About {age(worked / settled * remaining)} to go at this pace."


def _line(waiting: Facts | None) -> str:
    if waiting is None:
        return "It waits."
    if waiting["before"] is None:
        before = f"More than 100 of {number(waiting['waiting'])} go before it."
    elif waiting["before"] == 0:
        before = "It is the next to go."
    else:
        before = f"It is number {number(waiting['before'] + 1)} of {number(waiting['waiting'])}."
    return f"{before} {LANES[waiting['lane']]}"


def _tried(found: Facts) -> str:
    if not found["attempts"]:
        return ""
    times = "once" if found["attempts"] == 1 else f"{number(found['attempts'])} times"
    return f"It was tried {times}; the last answer was: {brief(found['lastAnswer'])}."


def _attempted(one: Facts) -> str:
    attempt = one["attempt"]
    told = "Sent" if one["statements"] == 1 else f"Sent with {_others(one['statements'] - 1)}"
    answer = f"HTTP {attempt['status']}" if attempt["status"] else brief(attempt["reason"])
    return f"{told}: {outcome_of(attempt).word}, {answer}"


def _others(count: int) -> str:
    return "1 other" if count == 1 else f"{number(count)} others"
