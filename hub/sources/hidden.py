"""Which parts of a source's settings are secrets: taken out, put back, and named. Pure."""

import re
from collections.abc import Iterable, Mapping

SECRETS = (
    ("secret",),
    ("secretAccessKey",),
    ("auth", "password"),
    ("auth", "token"),
    ("auth", "clientSecret"),
)
SECRET_HEADER = re.compile(
    r".*(?:authorization|cookie|key|token|secret|password|auth|credentials?)", re.IGNORECASE
)

Settings = dict[str, object]


def take_out(settings: Mapping[str, object]) -> tuple[Settings, dict[str, str]]:
    """Give the settings without their secrets, and the secrets by their dotted names."""
    left = _copied(settings)
    found: dict[str, str] = {}
    for path in SECRETS:
        *outer, last = path
        inner = left.get(outer[0]) if outer else left
        if isinstance(inner, dict) and isinstance(inner.get(last), str):
            found[".".join(path)] = str(inner.pop(last))
    return left, found


def put_back(settings: Mapping[str, object], secrets: Mapping[str, str]) -> Settings:
    """Give the settings with these secrets, where they do not say others and have a place."""
    whole = _copied(settings)
    for name, secret in secrets.items():
        *outer, last = name.split(".")
        inner = whole.get(outer[0]) if outer else whole
        if isinstance(inner, dict) and inner.get(last) is None:
            inner[last] = secret
    return whole


def found_in(settings: Mapping[str, object], name: str) -> object:
    """Give what stands under a dotted name; None if nothing does."""
    *outer, last = name.split(".")
    inner = settings.get(outer[0]) if outer else settings
    return inner.get(last) if isinstance(inner, Mapping) else None


def secret_headers(names: Iterable[str]) -> list[str]:
    """Name the headers that are there to carry secrets, by what they are called."""
    return [name for name in names if SECRET_HEADER.fullmatch(name)]


def _copied(settings: Mapping[str, object]) -> Settings:
    return {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in settings.items()
    }
