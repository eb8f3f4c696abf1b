"""Announcements that something is new in a bucket, as Amazon SNS, EventBridge and MinIO post them.

Nothing that they say is believed but that there is something to look at, so whoever knows the
secret may announce. Amazon SNS asks first whether the address wants to hear of a topic: that is
answered for the topic that the source names, at the address of Amazon that belongs to it. Pure.

Source: Amazon SNS, "HTTP/HTTPS subscription confirmation JSON format".
"""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import msgspec

from hub.sources.proof import NotProven, prove
from hub.sources.settings import Signature

BEARER, BASIC = Signature(scheme="bearer"), Signature(scheme="basic")
CONFIRMATION = "SubscriptionConfirmation"


class _Message(msgspec.Struct):
    kind: str = msgspec.field(name="Type", default="")
    topic: str = msgspec.field(name="TopicArn", default="")
    confirm_at: str = msgspec.field(name="SubscribeURL", default="")


def prove_announcer(secret: str, headers: Mapping[str, str], now: datetime) -> None:
    """Check who announces; the names of `headers` are in lower case. Raises NotProven.

    Amazon SNS sends no header of one's own, but a user and a password that its address holds.
    """
    is_basic = headers.get("authorization", "").strip()[:6].lower() == "basic "
    prove(BASIC if is_basic else BEARER, secret, headers, b"", now)


def to_confirm(body: bytes, topic: str | None) -> str | None:
    """Give the address that confirms a subscription; None if none is asked for.

    Raises NotProven for another topic than that of the source, and for another address.
    """
    try:
        message = msgspec.json.decode(body, type=_Message)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if message.kind != CONFIRMATION:
        return None
    if topic is None or message.topic != topic:
        raise NotProven(
            f"asks to confirm {message.topic[:300]!r}, which is not this source's topic"
        )
    if not _is_of(topic, message.confirm_at):
        raise NotProven("asks to confirm at an address that is not Amazon's for this topic")
    return message.confirm_at


def _is_of(topic: str, url: str) -> bool:
    _, partition, _, region, *_ = topic.split(":")
    ending = ".cn" if partition == "aws-cn" else ""
    try:
        parts = urlsplit(url)
        asked = parse_qs(parts.query, max_num_fields=10)
    except ValueError:
        return False
    where = parts.scheme, parts.netloc, parts.path
    return (
        where == ("https", f"sns.{region}.amazonaws.com{ending}", "/")
        and asked.get("Action") == ["ConfirmSubscription"]
        and asked.get("TopicArn") == [topic]
    )
