"""Whether a webhook comes from whom it says: signatures of real senders, tokens, and age. Pure.

Sources: GitHub, "Validating webhook deliveries"; Stripe, "Verify webhook signatures manually";
Zoom, "Verify with Zoom's header"; Standard Webhooks 1.0.0; RFC 6750; RFC 7617.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.sources.settings import Signature

MOST_SIGNATURES = 10
STANDARD_PREFIX = "whsec_"


class NotProven(Exception):
    """The webhook does not prove that it comes from its sender; says how."""


class TooOld(NotProven):
    """It is signed well, for a time too long ago or still to come."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a webhook has shown. `signature` is None where nothing is signed."""

    signature: str | None = None
    delivery_id: str | None = None


def prove(
    signature: Signature, secret: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> Proof:
    """Check a webhook; the names of `headers` are in lower case. Raises NotProven, TooOld."""
    delivery_id = headers.get((signature.id_header or "").lower()) or None
    match signature.scheme:
        case "bearer":
            _same_text(_after("bearer", headers), secret)
            return Proof(None, delivery_id)
        case "basic":
            _basic(headers, signature.username, secret)
            return Proof(None, delivery_id)
        case "github":
            shown = _needed(headers, "x-hub-signature-256").removeprefix("sha256=")
            _one_of([shown], _hex(secret.encode(), body))
            return Proof(shown, headers.get("x-github-delivery") or delivery_id)
        case "stripe":
            return _stripe(signature, secret, headers, body, now)
        case "zoom":
            at = _timely(_needed(headers, "x-zm-request-timestamp"), signature, now)
            shown = _needed(headers, "x-zm-signature")
            _one_of([shown], "v0=" + _hex(secret.encode(), f"v0:{at}:".encode() + body))
            return Proof(shown, delivery_id)
        case "standard":
            return _standard(signature, secret, headers, body, now)
        case "hmac":
            return _any_hmac(signature, secret, headers, body, now, delivery_id)


def zoom_challenge(secret: str, plain_token: str) -> dict[str, str]:
    """Answer Zoom's question whether the address is ours."""
    encrypted = _hex(secret.encode(), plain_token.encode())
    return {"plainToken": plain_token, "encryptedToken": encrypted}


def _stripe(
    signature: Signature, secret: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> Proof:
    header = signature.header or "stripe-signature"
    parts = [part.strip().partition("=") for part in _needed(headers, header.lower()).split(",")]
    written = next((value for name, _, value in parts if name == "t"), "")
    at = _timely(written, signature, now)
    shown = [value for name, _, value in parts if name == "v1"][:MOST_SIGNATURES]
    found = _one_of(shown, _hex(secret.encode(), f"{at}.".encode() + body))
    return Proof(f"{at}.{found}")


def _standard(
    signature: Signature, secret: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> Proof:
    delivery_id = _needed(headers, "webhook-id")
    at = _timely(_needed(headers, "webhook-timestamp"), signature, now)
    key = _decoded(secret.removeprefix(STANDARD_PREFIX))
    signed = f"{delivery_id}.{at}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    shown = [
        one.removeprefix("v1,")
        for one in _needed(headers, "webhook-signature").split()[:MOST_SIGNATURES]
        if one.startswith("v1,")
    ]
    return Proof(_one_of(shown, expected), delivery_id)


def _any_hmac(
    signature: Signature,
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    delivery_id: str | None,
) -> Proof:
    at = ""
    if signature.timestamp_header:
        at = _timely(_needed(headers, signature.timestamp_header.lower()), signature, now)
    before, _, after = signature.signed.partition("{body}")
    words = {"{timestamp}": at, "{id}": delivery_id or ""}
    signed = _filled(before, words).encode() + body + _filled(after, words).encode()
    digest = hmac.digest(secret.encode(), signed, signature.algorithm)
    is_hex = signature.encoding == "hex"
    expected = digest.hex() if is_hex else base64.b64encode(digest).decode()
    shown = _needed(headers, (signature.header or "").lower())
    if not shown.startswith(signature.prefix):
        raise NotProven(f"the header {signature.header} does not begin with {signature.prefix!r}")
    shown = shown.removeprefix(signature.prefix)
    return Proof(_one_of([shown.lower() if is_hex else shown], expected), delivery_id)


def _timely(written: str, signature: Signature, now: datetime) -> str:
    """Give a timestamp as it is signed. Raises NotProven, TooOld."""
    if not written.isascii() or not written.isdecimal() or len(written) > len("1700000000000"):
        raise NotProven("has no timestamp in seconds since 1970")
    # Some senders count milliseconds.
    seconds = int(written) / (1000 if len(written) > len("1700000000") else 1)
    away = abs(now.timestamp() - seconds)
    if away > signature.tolerance_seconds:
        raise TooOld(
            f"was signed {away:,.0f} seconds away from now; "
            f"{signature.tolerance_seconds:,} are allowed"
        )
    return written


def _basic(headers: Mapping[str, str], username: str, secret: str) -> None:
    try:
        shown = base64.b64decode(_after("basic", headers), validate=True).decode()
    except (binascii.Error, ValueError):
        raise NotProven("what follows Basic must be base64(user:password)") from None
    _same_text(shown, f"{username}:{secret}")


def _after(scheme: str, headers: Mapping[str, str]) -> str:
    said, _, written = headers.get("authorization", "").strip().partition(" ")
    if said.lower() != scheme or not written.strip():
        raise NotProven(f"has no header Authorization: {scheme.capitalize()} ...")
    return written.strip()


def _needed(headers: Mapping[str, str], name: str) -> str:
    found = headers.get(name, "").strip()
    if not found:
        raise NotProven(f"has no header {name}")
    return found


def _same_text(shown: str, expected: str) -> None:
    if not hmac.compare_digest(shown.encode(), expected.encode()):
        raise NotProven("does not know the secret")


def _one_of(shown: Sequence[str], expected: str) -> str:
    # All are compared, so that time does not tell which of them was near.
    right = [hmac.compare_digest(one.encode(), expected.encode()) for one in shown]
    if not any(right):
        raise NotProven("is not signed with the secret of this source")
    return expected


def _hex(key: bytes, signed: bytes) -> str:
    return hmac.digest(key, signed, hashlib.sha256).hex()


def _decoded(secret: str) -> bytes:
    try:
        return base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        # Standard Webhooks wants base64; a secret that is none is taken as it stands.
        return secret.encode()


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        text = text.replace(name, word)
    return text
