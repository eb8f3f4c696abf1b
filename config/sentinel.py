"""What `redis+sentinel://` says: where the sentinels are, and whom to ask them for."""

from dataclasses import dataclass, field
from typing import TypedDict
from urllib.parse import unquote, urlsplit

from config.errors import BadSettings

SCHEME = "redis+sentinel://"
DEFAULT_PORT = 26379


class Login(TypedDict):
    """What a client proves itself with."""

    username: str | None
    password: str | None


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """What `redis+sentinel://` says; the login goes for sentinels and servers alike."""

    hosts: tuple[tuple[str, int], ...]
    name: str
    database: int
    username: str | None
    password: str | None = field(repr=False)

    def login(self) -> Login:
        """Give the login in the words of the client."""
        return Login(username=self.username, password=self.password)


def read_sentinel(url: str) -> SentinelAddress:
    """Take `redis+sentinel://[user:password@]h1:p,h2:p/name[/database]` apart."""
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    name, _, database = parts.path.strip("/").partition("/")
    if not hosts or not name or not (database or "0").isdigit():
        raise BadSettings([f"HUB_REDIS_URL: must look like {SCHEME}host1:port,host2:port/name/0"])
    return SentinelAddress(
        hosts=tuple(_host(host) for host in hosts.split(",")),
        name=name,
        database=int(database or 0),
        username=unquote(username) or None,
        password=unquote(password) or None,
    )


def _host(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text else (text, "", str(DEFAULT_PORT))
    if not host or not port.isdigit():
        raise BadSettings([f"HUB_REDIS_URL: {text!r} is not host:port"])
    return host, int(port)
