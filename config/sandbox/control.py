"""The vocabulary of the switches: what may be asked for, and what is wrong with what was asked."""

import re
from collections.abc import Mapping
from datetime import timedelta

import msgspec
from msgspec import UNSET, Struct, UnsetType

from config.sandbox.errors import BadControl
from config.sandbox.imports import Imports
from config.sandbox.lrs import Lrs
from config.sandbox.oauth import ExpiresIn, Oauth
from config.sandbox.switch import Breaker, Mode, Switch

LARGEST_BOUND = 64 * 1024 * 1024
LONGEST_LIFETIME_SECONDS = 366 * 24 * 3600

_SWITCHES = ("statements", "token", "mail", "batches")
_PLACED = re.compile(r"(?P<flaw>.*?) - at `\$\.?(?P<place>[^`]*)`", re.DOTALL)


class Change(Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A change of the switches that makes sense; what is not named stays as it is."""

    statements: Switch | UnsetType = UNSET
    token: Switch | UnsetType = UNSET
    mail: Switch | UnsetType = UNSET
    batches: Switch | UnsetType = UNSET
    reject_statements: list[str] | UnsetType = UNSET
    max_body: int | UnsetType | None = UNSET
    max_batch: int | UnsetType | None = UNSET
    lenient: bool | UnsetType = UNSET
    clients: dict[str, str] | UnsetType = UNSET
    refresh_tokens: dict[str, str] | UnsetType = UNSET
    token_lifetime: float | UnsetType = UNSET
    expires_in: ExpiresIn | UnsetType = UNSET
    import_key: str | UnsetType = UNSET
    refuse_batches: list[int] | UnsetType = UNSET
    revoke_tokens: bool = False
    reset: bool = False

    def __post_init__(self) -> None:
        _check_bound("maxBody", self.max_body)
        _check_bound("maxBatch", self.max_batch)
        if isinstance(self.token_lifetime, float):
            _check_lifetime(self.token_lifetime)
        for name, switch in (("token", self.token), ("batches", self.batches)):
            if isinstance(switch, Switch) and switch.only is not None:
                raise ValueError(f"{name}: only means nothing where no statements are sent")
        if isinstance(self.mail, Switch):
            _check_mail(self.mail)

    def turn(
        self, breakers: Mapping[str, Breaker], *, lrs: Lrs, oauth: Oauth, imports: Imports
    ) -> None:
        """Do what was asked for. Nothing here can fail any more."""
        for name, breaker in breakers.items():
            switch = getattr(self, name)
            if switch is not UNSET:
                breaker.switch = switch
        self._bind(lrs)
        self._admit(oauth)
        if self.import_key is not UNSET:
            imports.api_key = self.import_key
        if self.refuse_batches is not UNSET:
            imports.refuse = frozenset(self.refuse_batches)

    def _bind(self, lrs: Lrs) -> None:
        if self.reject_statements is not UNSET:
            lrs.reject = frozenset(one.lower() for one in self.reject_statements)
        if self.max_body is not UNSET:
            lrs.max_body = self.max_body
        if self.max_batch is not UNSET:
            lrs.max_batch = self.max_batch
        if self.lenient is not UNSET:
            lrs.lenient = self.lenient

    def _admit(self, oauth: Oauth) -> None:
        if self.clients is not UNSET:
            oauth.clients = self.clients
        if self.refresh_tokens is not UNSET:
            oauth.refresh_tokens = self.refresh_tokens
        if self.token_lifetime is not UNSET:
            oauth.lifetime = timedelta(seconds=self.token_lifetime)
        if self.expires_in is not UNSET:
            oauth.expires_in = self.expires_in
        if self.revoke_tokens:
            oauth.revoke_all()


def understand(wishes: Mapping[str, object], *, from_form: bool = False) -> Change:
    """Read a change; raise BadControl with a sentence that says where it is wrong.

    A form knows only text, so numbers and truth values may be written as text there.
    """
    spelled = {name: _spell_out(name, wish) for name, wish in wishes.items()}
    try:
        return msgspec.convert(spelled, Change, strict=not from_form)
    except msgspec.ValidationError as flaw:
        raise BadControl(_sentence(str(flaw))) from flaw


def read_json(body: bytes) -> dict[str, object]:
    """Read a JSON object; raise BadControl if it is none."""
    try:
        wishes: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError) as flaw:
        raise BadControl(f"not JSON: {flaw}") from flaw
    if not isinstance(wishes, dict):
        raise BadControl("expected a JSON object of switches")
    return wishes


def _spell_out(name: str, wish: object) -> object:
    if name not in _SWITCHES:
        return wish
    if isinstance(wish, str) and wish.isdecimal():
        return {"mode": "status", "status": int(wish)}
    if isinstance(wish, int) and not isinstance(wish, bool):
        return {"mode": "status", "status": wish}
    return {"mode": wish} if isinstance(wish, str) else wish


def _sentence(flaw: str) -> str:
    placed = _PLACED.fullmatch(flaw)
    if placed is None or not placed["place"]:
        return flaw if placed is None else placed["flaw"]
    return f"{placed['place']}: {placed['flaw']}"


def _check_bound(name: str, bound: int | UnsetType | None) -> None:
    if isinstance(bound, int) and not 1 <= bound <= LARGEST_BOUND:
        raise ValueError(f"{name} {bound} is not within 1 to {LARGEST_BOUND}")


def _check_lifetime(seconds: float) -> None:
    if not 0 <= seconds <= LONGEST_LIFETIME_SECONDS:
        raise ValueError(f"tokenLifetime {seconds} is not within 0 to {LONGEST_LIFETIME_SECONDS}")


def _check_mail(switch: Switch) -> None:
    if switch.mode not in {Mode.OK, Mode.STATUS}:
        raise ValueError(f"mail: mode {switch.mode!r} is none of ok, status")
    if switch.mode == Mode.STATUS and not 400 <= (switch.status or 0) <= 599:
        raise ValueError(f"mail: status {switch.status} is not within 400 to 599")
    if switch.only is not None or switch.retry_after is not None or switch.body is not None:
        raise ValueError("mail: only mode, status and times mean something here")
