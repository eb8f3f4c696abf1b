"""Addresses that customers type are looked at before they are kept."""

from collections.abc import Mapping

from delivery.addresses import AddressRefused
from hub.api.errors import Unprocessable
from hub.api.house import House
from hub.xapi.flaw import Flaw, point


def check_urls(house: House, urls: Mapping[str, str | None]) -> None:
    """Raise Unprocessable for addresses that may not be used; the names are the JSON names."""
    if flaws := [flaw for name, url in urls.items() if url for flaw in _flaws(house, name, url)]:
        raise Unprocessable(flaws)


def _flaws(house: House, name: str, url: str) -> list[Flaw]:
    try:
        house.egress.check_url(url)
    except AddressRefused as refusal:
        return [Flaw(point(name), str(refusal))]
    return []
