"""Sessions: a signed cookie that names a key, for as long as the key is good. Pure.

Nothing is kept on the server: a session ends when it was idle for too long, when it is too old,
when its key is revoked, or when the secret that signs it goes.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from secrets import token_bytes

import msgspec

IDLE, LONGEST = timedelta(hours=1), timedelta(hours=12)
RENEWED_AFTER = timedelta(minutes=1)
"""How old a cookie is before it is written anew; not for every picture of a page."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who has signed in, when, and when they were last here. `program` is what they look at."""

    key_id: str
    began: datetime
    seen: datetime
    nonce: str
    program: str = ""

    def at(self, now: datetime) -> "Session":
        """Give the same session, seen now."""
        return replace(self, seen=now)


class Seal:
    """Signs sessions and looks at signatures; `secret` are 32 bytes that nobody else has."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, session: Session) -> str:
        """Write a session down as the value of a cookie."""
        held = [session.key_id, _seconds(session.began), _seconds(session.seen)]
        payload = msgspec.json.encode([*held, session.nonce, session.program])
        return self._sealed(b"session", payload)

    def read(self, cookie: str, now: datetime) -> Session | None:
        """Give the session that a cookie holds; None if it is not ours, or over."""
        payload = self._opened(b"session", cookie)
        if payload is None:
            return None
        key_id, began, seen, nonce, program = msgspec.json.decode(payload)
        session = Session(key_id, _moment(began), _moment(seen), nonce, program)
        is_over = now - session.seen > IDLE or now - session.began > LONGEST
        return None if is_over else session

    def sign_words(self, words: str) -> str:
        """Write words down as the value of a cookie."""
        return self._sealed(b"words", words.encode())

    def read_words(self, cookie: str) -> str:
        """Read words that were signed here; none of what is not ours."""
        payload = self._opened(b"words", cookie)
        return "" if payload is None else payload.decode()

    def door(self) -> str:
        """Give what a browser holds while it is shown the sign-in form."""
        return self._sealed(b"door", token_bytes(16))

    def door_token(self, door: str) -> str:
        """Give what the sign-in form carries for the browser that holds this; none if not ours."""
        return (
            "" if self._opened(b"door", door) is None else _text(self._of(b"form", door.encode()))
        )

    def is_door_token(self, door: str, given: str) -> bool:
        """Say whether a sign-in form was made for the browser that sends it."""
        expected = self.door_token(door)
        return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())

    def token(self, session: Session) -> str:
        """Give what every form of this session carries, so that no other page can send it."""
        name = f"{session.key_id} {session.nonce}".encode()
        return _text(self._of(b"form", name))

    def is_token(self, session: Session, given: str) -> bool:
        """Say whether a form is one of ours."""
        return hmac.compare_digest(given.encode(), self.token(session).encode())

    def _sealed(self, purpose: bytes, payload: bytes) -> str:
        return f"{_text(payload)}.{_text(self._of(purpose, payload))}"

    def _opened(self, purpose: bytes, cookie: str) -> bytes | None:
        written, _, signature = cookie.partition(".")
        try:
            payload, given = _bytes(written), _bytes(signature)
        except (binascii.Error, ValueError):
            return None
        return payload if hmac.compare_digest(given, self._of(purpose, payload)) else None

    def _of(self, purpose: bytes, what: bytes) -> bytes:
        return hmac.digest(self._secret, purpose + b"\0" + what, hashlib.sha256)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
