"""The time line of an integration in words: what happened, who did it, how long it lasted. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.portal.wording.plain import brief, number

Facts = Mapping[str, Any]

STATUSES = {
    "flowing": ("good", "Statements are delivered"),
    "down": ("bad", "The server is unavailable"),
    "refused": ("bad", "The server refuses us"),
    "disabled": ("off", "Delivery is disabled"),
}
DEEDS = {
    "created": "Made",
    "changed": "Changed",
    "deleting": "Deletion began",
    "released": "Released parked statements",
    "discarded": "Discarded parked statements",
    "purged": "Threw away what waited",
    "replayed": "Sent again",
    "downloaded": "Downloaded statements",
}
FIELDS = {
    "enabled": "status",
    "statement_url": "Statement URL",
    "authentication_url": "Authentication URL",
    "client_id": "Client ID",
    "client_secret": "Client Secret",
    "refresh_token": "refresh token",
    "technical_emails": "technical e-mails",
    "batch_size": "batch size",
}
COUNTED = {"statements", "queued", "parked"}
UNTOLD = {"version", "revision"}


@dataclass(frozen=True, slots=True)
class Turn:
    """One line: what happened, at which moment, until when it stood, and who did it."""

    tone: str
    words: str
    at: str
    until: str | None
    stands: bool
    """It is a status, and still stands."""
    by: str = ""
    said: str = ""
    """The server's words, where there are more than a few."""


def turn_of(turn: Facts) -> Turn:
    """Put something that happened into words."""
    return _status(turn) if turn["kind"] == "status" else _deed(turn)


def _status(turn: Facts) -> Turn:
    tone, words = STATUSES[turn["status"]]
    reason = turn.get("reason") or ""
    short = brief(reason)
    if turn.get("before") is None:
        words = f"Begun: {words[0].lower()}{words[1:]}"
    until = turn.get("until")
    return Turn(
        tone=tone,
        words=f"{words}: {short}" if short else words,
        at=turn["at"],
        until=until,
        stands=until is None,
        said=reason if reason != short else "",
    )


def _deed(turn: Facts) -> Turn:
    changes = turn.get("changes") or {}
    words = DEEDS.get(turn["action"], turn["action"].capitalize())
    detail = _detail(turn["action"], changes)
    return Turn(
        tone="deed",
        words=f"{words}: {detail}" if detail else words,
        at=turn["at"],
        until=None,
        stands=False,
        by=turn.get("by") or "",
    )


def _detail(action: str, changes: Facts) -> str:
    counted = [count for name, count in changes.items() if name in COUNTED]
    if counted:
        return number(sum(count for count in counted if isinstance(count, int)))
    match changes.get("enabled"):
        case {"after": bool() as is_enabled} if action == "changed":
            turned = "enabled" if is_enabled else "disabled"
        case _:
            turned = ""
    if action != "changed":
        return ""
    names = [FIELDS.get(name, name) for name in changes if name not in {"enabled", *UNTOLD}]
    return ", ".join([turned] * bool(turned) + names)
