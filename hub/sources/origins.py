"""Secrets that are sent to somebody belong to whom they were given for. Pure.

Whoever may change a source need not know its secrets; with an address of his own he could have them
sent there.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from hub.sources.hidden import found_in

SENT_TO = {
    "auth.password": ("url",),
    "auth.token": ("url",),
    "auth.clientSecret": ("auth.tokenUrl", "url"),
    "secretAccessKey": ("endpoint",),
}
"""Where each secret is sent, or what is got for it."""
NEEDED = {
    "basic": "auth.password",
    "bearer": "auth.token",
    "header": "auth.token",
    "oauth2": "auth.clientSecret",
}
PORTS = {"http": 80, "https": 443}

Settings = Mapping[str, object]


def astray(before: Settings, after: Settings) -> frozenset[str]:
    """Name the secrets that would be sent to another server than the one they were given for."""
    return frozenset(
        name
        for name, places in SENT_TO.items()
        if any(_origin_at(before, place) != _origin_at(after, place) for place in places)
    )


def to_be_given(after: Settings) -> frozenset[str]:
    """Name the secrets without which settings cannot be used."""
    needed = {NEEDED.get(str(found_in(after, "auth.type")), "")}
    if found_in(after, "accessKeyId") is not None:
        needed.add("secretAccessKey")
    return frozenset(needed)


def origin(url: str) -> tuple[str, str, int | None]:
    """Give the server that an address is of: scheme, name and port."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").rstrip("."), parts.port or PORTS.get(scheme)


def _origin_at(settings: Settings, place: str) -> object:
    url = found_in(settings, place)
    try:
        return origin(url) if isinstance(url, str) else None
    except ValueError:
        return url
