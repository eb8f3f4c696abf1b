"""Takes the pictures of the README anew: `python -m tests.browser.pictures`."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.async_api import Browser

from tests.browser.chromium import chromium
from tests.browser.house import PROGRAM, PUBLISHER, House, open_full_house
from tests.browser.reader import NARROW, WIDE, reading

FOLDER = Path(__file__).parent / "pictures"
SPICE = "(spring)"
NAMES: Mapping[str, str] = {
    "flowing": "Northwind Academy",
    "parking": "Fabrikam Learning",
    "down": "Contoso Campus",
    "unreached": "Tailspin Training",
    "refused": "Adventure Works LRS",
    "disabled": "Woodgrove College",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: of which page, how wide, how bright, and which dialog open."""

    name: str
    path: str
    size: tuple[int, int] = WIDE
    scheme: Literal["light", "dark"] = "light"
    opens: str = ""


PICTURES = (
    Picture("integrations", "/portal/integrations"),
    Picture("integration", "/portal/integrations/{parking}", scheme="dark"),
    Picture("add", "/portal/integrations", opens="Add an integration"),
    Picture("subscription", f"/portal/learning/subscriptions/{PUBLISHER}"),
    Picture("narrow", "/portal/integrations/{down}", size=NARROW),
)


async def main() -> None:
    """Bring a house up, and take them all."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        async with open_full_house(Path(folder), SPICE) as house, chromium() as browser:
            await _name(house)
            for picture in PICTURES:
                await _take(browser, house, picture)


async def _name(house: House) -> None:
    """Call everything what people would call it, and let more be delivered."""
    client = house.stack.client
    await client.patch(f"/programs/{PROGRAM}", json={"Name": "Acme Training"})
    for road, name in NAMES.items():
        await client.patch(f"/api/integrations/{house.integrations[road]}", json={"name": name})
        await client.patch(f"/api/providers/{road}", json={"name": name.partition(" ")[0]})
    await house.send(house.integrations["flowing"], 40)
    await house.stands(house.integrations["flowing"], "flowing", queued=0)


async def _take(browser: Browser, house: House, picture: Picture) -> None:
    width, height = picture.size
    async with reading(
        browser, house, viewport={"width": width, "height": height}, timezone_id="Europe/Berlin"
    ) as reader:
        await reader.shade(picture.scheme)
        await reader.sign_in("system", PROGRAM)
        await reader.go(picture.path.format(**house.integrations))
        if picture.opens:
            await reader.page.get_by_role("button", name=picture.opens).click()
            await reader.page.get_by_role("dialog").wait_for()
        await reader.page.screenshot(path=FOLDER / f"{picture.name}.png", animations="disabled")


if __name__ == "__main__":
    asyncio.run(main())
