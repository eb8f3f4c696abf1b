"""The switches: how an endpoint is told to misbehave, and for how long."""

from collections.abc import Collection
from enum import StrEnum

from msgspec import Struct, structs

LONGEST_WAIT_SECONDS = 3600


class Mode(StrEnum):
    """What an endpoint does with a request."""

    OK = "ok"
    STATUS = "status"
    SLOW = "slow"
    SILENT = "silent"
    RESET = "reset"
    CLOSE = "close"
    APPLY_THEN_RESET = "apply_then_reset"
    APPLY_THEN_503 = "apply_then_503"


BELONGING: dict[Mode, frozenset[str]] = {
    Mode.OK: frozenset(),
    Mode.STATUS: frozenset({"status", "retryAfter", "body", "times", "only"}),
    Mode.SLOW: frozenset({"seconds", "times", "only"}),
    Mode.SILENT: frozenset({"times", "only"}),
    Mode.RESET: frozenset({"times", "only"}),
    Mode.CLOSE: frozenset({"times", "only"}),
    Mode.APPLY_THEN_RESET: frozenset({"times", "only"}),
    Mode.APPLY_THEN_503: frozenset({"retryAfter", "body", "times", "only"}),
}
"""Which settings mean something in which mode."""

_NEEDED = {Mode.STATUS: "status", Mode.SLOW: "seconds"}


class Only(Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Narrows a switch to requests that hold one of these statements."""

    statement_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.statement_ids:
            raise ValueError("statementIds names no statement")

    def fits(self, ids: Collection[str]) -> bool:
        named = {one.lower() for one in self.statement_ids}
        return any(one in named for one in ids)


class Switch(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """How one endpoint is told to behave. Built only when it makes sense."""

    mode: str
    status: int | None = None
    retry_after: int | str | None = None
    body: str | dict[str, object] | None = None
    seconds: float | None = None
    times: int | None = None
    only: Only | None = None

    def __post_init__(self) -> None:
        mode = _mode(self.mode)
        given = set(structs.asdict(self)) - {"mode"}
        for name in sorted(name for name in given if getattr(self, name) is not None):
            if _outside(name) not in BELONGING[mode]:
                raise ValueError(f"{_outside(name)} means nothing in mode {mode}")
        needed = _NEEDED.get(mode)
        if needed is not None and getattr(self, needed) is None:
            raise ValueError(f"mode {mode} needs {needed}")
        self._check_ranges()

    def _check_ranges(self) -> None:
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status {self.status} is not within 200 to 599")
        if self.seconds is not None and not 0 <= self.seconds <= LONGEST_WAIT_SECONDS:
            raise ValueError(f"seconds {self.seconds} is not within 0 to {LONGEST_WAIT_SECONDS}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times {self.times} is less than 1")
        _check_retry_after(self.retry_after)

    def concerns(self, ids: Collection[str]) -> bool:
        """Tell whether a request with these statements falls under the switch."""
        return self.only is None or self.only.fits(ids)

    def used(self) -> "Switch":
        """Return what the switch is after one more request."""
        if self.times is None:
            return self
        if self.times == 1:
            return OK
        return structs.replace(self, times=self.times - 1)


def _mode(word: str) -> Mode:
    if word not in set(Mode):
        raise ValueError(f"mode {word!r} is none of {', '.join(Mode)}")
    return Mode(word)


def _outside(name: str) -> str:
    return "retryAfter" if name == "retry_after" else name


def _check_retry_after(wish: int | str | None) -> None:
    if isinstance(wish, int) and wish < 0:
        raise ValueError(f"retryAfter {wish} is negative")
    if isinstance(wish, str) and not (wish.isascii() and wish.isprintable()):
        raise ValueError("retryAfter cannot be written in a header")


OK = Switch("ok")


class Breaker:
    """Where an endpoint's switch hangs; drawn once for every request."""

    def __init__(self) -> None:
        self.switch = OK

    def mend(self) -> None:
        self.switch = OK

    def draw(self, ids: Collection[str] = ()) -> Switch:
        """Return the switch that a request with these statements meets, and count it."""
        if not self.switch.concerns(ids):
            return OK
        met = self.switch
        self.switch = met.used()
        return met
