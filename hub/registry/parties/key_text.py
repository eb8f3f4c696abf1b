"""The text of an API key: `lh_<id>.<secret>`. Pure.

The id finds the row; the secret, 256 random bits, is kept only as a hash. A keyed hash is enough
for so much chance, and a slow one would bound every request.
"""

import hmac
import re
import secrets

SHAPE = re.compile(r"lh_([0-9a-f]{16})\.[A-Za-z0-9_-]{43}")


def new_key() -> tuple[str, str]:
    """Return the id and the text of a new key."""
    new_id = secrets.token_hex(8)
    return new_id, f"lh_{new_id}.{secrets.token_urlsafe(32)}"


def key_id(text: str) -> str | None:
    """Return the id in the text of a key; None if it is not shaped like one of ours."""
    shape = SHAPE.fullmatch(text)
    return shape[1] if shape else None


def digest(text: str, pepper: bytes) -> str:
    """Return what is kept of a key, in hex."""
    return hmac.digest(pepper, text.encode(), "sha256").hex()
