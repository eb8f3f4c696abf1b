"""Which addresses a customer may choose. Pure: the rules, and the sentences that explain them.

Two questions are answered here. What does an address say on its face (`read`), when somebody types
it; and may this very IP address be connected to (`objection`), each time a socket is opened.
"""

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import httpx

from delivery.facts.errors import DeliveryError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL = 2048
LAST_PORT = 65535

# What the standard library's `is_global` lets through: ranges that lead on to an embedded IPv4
# address, that are obsolete, or that are not for single hosts (RFC 6890, 3879, 7526, 6052, 4380).
SPECIAL: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), name)
    for network, name in (
        ("0.0.0.0/8", "this-network"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("192.0.0.0/24", "protocol assignment"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("100::/64", "discard-only"),
        ("2001::/23", "protocol assignment"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
# ISATAP carries an IPv4 address behind 0:5efe or 200:5efe (RFC 5214, 6.1).
ISATAP = frozenset({0x00005EFE, 0x02005EFE})

_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\\]")
_SCHEME = re.compile(r"(?i)(https?)://")
_AUTHORITY = re.compile(r"[^/?#]*")
_PORT = re.compile(r":(\d*)$")


class AddressRefused(DeliveryError):
    """This address may not be used; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a checked URL names: a host, and the port to connect to."""

    host: str
    port: int
    secure: bool
    literal: Address | None
    """The host itself, if it is an IP address (or `localhost`) and not a name."""


def read(url: str) -> Place:
    """Read a URL that a customer chose. Raises AddressRefused with what is wrong on its face."""
    if len(url) > LONGEST_URL:
        raise AddressRefused(f"the address is longer than {LONGEST_URL} characters")
    if _UNPRINTABLE.search(url):
        raise AddressRefused("the address holds spaces, backslashes or control characters")
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise AddressRefused("the address must begin with https://")
    if "#" in url:
        raise AddressRefused("the address must not have a fragment (#...)")
    authority = _authority(url[scheme.end() :])
    if "@" in authority:
        raise AddressRefused("the address must not hold a user name or password")
    secure = scheme[1].lower() == "https"
    port = _port(authority, 443 if secure else 80)
    literal = _literal(_host(authority))
    try:
        # The wire goes by httpx's reading; what it cannot read is refused here, not later.
        host = httpx.URL(url).raw_host.decode("ascii").rstrip(".")
    except httpx.InvalidURL as error:
        raise AddressRefused(f"the address cannot be read: {error}") from error
    return Place(host, port, secure, literal)


def objection(address: Address, allow: Sequence[Network], *, secure: bool) -> str | None:
    """Say why this IP address may not be connected to; None if it may."""
    if any(address in network for network in allow):
        return None
    if not secure:
        return f"{address} may only be reached by https://"
    kind = _kind(address)
    return f"{address} is not a public address ({kind})" if kind else None


def _authority(rest: str) -> str:
    found = _AUTHORITY.match(rest)
    return found[0] if found else ""


def _port(authority: str, default: int) -> int:
    found = _PORT.search(authority)
    if found is None or not found[1]:
        return default
    port = int(found[1])
    if not 0 < port <= LAST_PORT:
        raise AddressRefused(f"the port must be between 1 and {LAST_PORT}")
    return port


def _host(authority: str) -> str:
    host = unicodedata.normalize("NFKC", _PORT.sub("", authority)).replace("。", ".").lower()
    host = host.rstrip(".")
    if not host or host == "[]":
        raise AddressRefused("the address names no host")
    if "%" in host:
        raise AddressRefused("the host must be written plainly, without %")
    return host


def _literal(host: str) -> Address | None:
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
        return IPv4Address("127.0.0.1")
    if host.startswith("["):
        try:
            return IPv6Address(host.removeprefix("[").removesuffix("]"))
        except ValueError as error:
            raise AddressRefused(f"{host} is not an IPv6 address") from error
    try:
        return IPv4Address(host)
    except ValueError:
        _refuse_disguise(host)
        return None


def _refuse_disguise(host: str) -> None:
    """Refuse what the C library would still take for an IPv4 address: 0x7f.1, 2130706433."""
    try:
        meant = socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return
    raise AddressRefused(f"{host} is another way to write {meant}; use a name, or four numbers")


def _kind(address: Address) -> str | None:
    for network, name in SPECIAL:
        if address in network:
            return name
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return "scoped"
        if (int(address) >> 32) & 0xFFFFFFFF in ISATAP:
            return "ISATAP"
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    return None if address.is_global else "private"
