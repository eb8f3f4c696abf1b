"""Webhooks prove where they come from, or are refused: wrong, old, and of every real sender."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from hub.sources.proof import NotProven, Proof, TooOld, prove, zoom_challenge
from hub.sources.settings import Signature

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AT = str(int(NOW.timestamp()))
BODY = b'{"event": "x"}'
SECRET = "s3cret"


def hexed(secret: str, signed: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), signed, algorithm).hexdigest()


def standard(secret: bytes, delivery_id: str, at: str, body: bytes = BODY) -> str:
    signed = f"{delivery_id}.{at}.".encode() + body
    return base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


GITHUB = {"x-hub-signature-256": "sha256=" + hexed(SECRET, BODY), "x-github-delivery": "d-1"}
STRIPE = {"stripe-signature": f"t={AT},v0=x,v1=old,v1={hexed(SECRET, f'{AT}.'.encode() + BODY)}"}
ZOOM = {
    "x-zm-request-timestamp": AT,
    "x-zm-signature": "v0=" + hexed(SECRET, f"v0:{AT}:".encode() + BODY),
}
KEY = base64.b64encode(b"a key of twenty-four by.").decode()
STANDARD = {
    "webhook-id": "msg_1",
    "webhook-timestamp": AT,
    "webhook-signature": "v1,AAAA v1a,zzz v1," + standard(b"a key of twenty-four by.", "msg_1", AT),
}
SLACK = {
    "x-slack-request-timestamp": AT,
    "x-slack-signature": "v0=" + hexed(SECRET, f"v0:{AT}:".encode() + BODY),
}
SHOP = {
    "x-shop-hmac": base64.b64encode(
        hmac.new(SECRET.encode(), BODY, hashlib.sha512).digest()
    ).decode(),
    "x-shop-id": "77",
}
SLACK_SCHEME = Signature(
    scheme="hmac",
    header="X-Slack-Signature",
    prefix="v0=",
    timestampHeader="X-Slack-Request-Timestamp",
    signed="v0:{timestamp}:{body}",
)
SHOP_SCHEME = Signature(
    scheme="hmac",
    header="X-Shop-Hmac",
    algorithm="sha512",
    encoding="base64",
    idHeader="X-Shop-Id",
)
BASIC = {"authorization": "Basic " + base64.b64encode(b"webhook:s3cret").decode()}

SENDERS = [
    (Signature(scheme="github"), SECRET, GITHUB, "d-1"),
    (Signature(scheme="stripe"), SECRET, STRIPE, None),
    (Signature(scheme="zoom"), SECRET, ZOOM, None),
    (Signature(scheme="standard"), "whsec_" + KEY, STANDARD, "msg_1"),
    (SLACK_SCHEME, SECRET, SLACK, None),
    (SHOP_SCHEME, SECRET, SHOP, "77"),
    (Signature(scheme="bearer"), SECRET, {"authorization": "Bearer s3cret"}, None),
    (Signature(scheme="basic"), SECRET, BASIC, None),
]
SIGNED = SENDERS[:6]
DATED = SENDERS[1:5]


@pytest.mark.parametrize(("scheme", "secret", "headers", "delivery_id"), SENDERS)
def test_what_a_sender_sends_is_believed(
    scheme: Signature, secret: str, headers: Mapping[str, str], delivery_id: str | None
) -> None:
    proof = prove(scheme, secret, headers, BODY, NOW)
    assert proof.delivery_id == delivery_id
    assert (proof.signature is not None) == (scheme.scheme not in ("bearer", "basic"))


@pytest.mark.parametrize(("scheme", "secret", "headers", "_"), SENDERS)
def test_another_secret_is_not(
    scheme: Signature, secret: str, headers: Mapping[str, str], _: str | None
) -> None:
    with pytest.raises(NotProven):
        prove(scheme, secret + "x", headers, BODY, NOW)


@pytest.mark.parametrize(("scheme", "secret", "headers", "_"), SIGNED)
def test_another_body_is_not(
    scheme: Signature, secret: str, headers: Mapping[str, str], _: str | None
) -> None:
    with pytest.raises(NotProven):
        prove(scheme, secret, headers, BODY + b" ", NOW)


@pytest.mark.parametrize(("scheme", "secret", "headers", "_"), SENDERS)
def test_a_header_that_is_missing_is_named(
    scheme: Signature, secret: str, headers: Mapping[str, str], _: str | None
) -> None:
    for name in headers:
        if name in ("x-github-delivery", "x-shop-id"):
            continue
        left = {key: value for key, value in headers.items() if key != name}
        with pytest.raises(NotProven, match=f"(?i)has no header {name}"):
            prove(scheme, secret, left, BODY, NOW)


@pytest.mark.parametrize(("scheme", "secret", "headers", "_"), DATED)
@pytest.mark.parametrize("seconds", [-301, 301])
def test_what_was_signed_long_ago_or_is_still_to_come_is_not(
    scheme: Signature, secret: str, headers: Mapping[str, str], _: str | None, seconds: int
) -> None:
    with pytest.raises(TooOld, match="was signed 301 seconds away from now; 300 are allowed"):
        prove(scheme, secret, headers, BODY, NOW + timedelta(seconds=seconds))
    prove(scheme, secret, headers, BODY, NOW + timedelta(seconds=seconds // 2))


@pytest.mark.parametrize("written", ["", "soon", "-5", "1" * 30, "١٢٣"])
def test_a_time_that_is_none(written: str) -> None:
    with pytest.raises(NotProven):
        prove(
            Signature(scheme="zoom"), SECRET, ZOOM | {"x-zm-request-timestamp": written}, BODY, NOW
        )


def test_milliseconds_are_understood() -> None:
    at = AT + "000"
    headers = {
        "x-zm-request-timestamp": at,
        "x-zm-signature": "v0=" + hexed(SECRET, f"v0:{at}:".encode() + BODY),
    }
    assert prove(Signature(scheme="zoom"), SECRET, headers, BODY, NOW) != Proof()


def test_zoom_asks_whether_the_address_is_ours() -> None:
    answer = zoom_challenge(SECRET, "qgg8vlvZRS6UYooatFL8Aw")
    assert answer["plainToken"] == "qgg8vlvZRS6UYooatFL8Aw"
    assert answer["encryptedToken"] == hexed(SECRET, b"qgg8vlvZRS6UYooatFL8Aw")
