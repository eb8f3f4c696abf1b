"""Addresses that customers type are looked at before they are kept."""

from collections.abc import Mapping

from delivery.wire.addresses import AddressRefused
from hub.api.errors import Unprocessable
from hub.api.house import House
from hub.xapi.flaw import Flaw, point


def check_urls(house: House, urls: Mapping[str, str | None], *, below: str = "") -> None:
    """Raise Unprocessable for addresses that may not be used.

    The names are the JSON names, `below` the pointer of the object that they are members of.
    """
    named = [(below + point(name), url) for name, url in urls.items() if url]
    if flaws := [flaw for pointer, url in named for flaw in _flaws(house, pointer, url)]:
        raise Unprocessable(flaws)


def _flaws(house: House, pointer: str, url: str) -> list[Flaw]:
    try:
        house.egress.check_url(url)
    except AddressRefused as refusal:
        return [Flaw(pointer, str(refusal))]
    return []
