"""Somebody with a browser: goes about the portal, and notes whatever the browser complains of."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Dialog, Page, Request

from tests.browser.house import House

WIDE, NARROW = (1400, 900), (360, 740)
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],
}
ANSWERED = "Failed to load resource: the server responded with a status of 4"
"""What the browser says of a page that is refused; that is for the tests to judge."""
SIGNED_IN = re.compile("/portal/(integrations|programs)")
_axe = Axe()


# Without slots: playwright writes into whoever listens to it.
@dataclass
class Reader:
    """A page, and what went wrong in it."""

    page: Page
    house: House
    troubles: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Note what no page of ours may do."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        self.page.on("request", self._watch)
        self.page.on("dialog", self._dismiss)

    async def go(self, path: str) -> int:
        """Ask for a page; give the status of the answer."""
        answer = await self.page.goto(f"{self.house.url}{path}")
        assert answer
        return answer.status

    async def sign_in(self, who: str, program: str = "") -> None:
        """Sign in with a key of the house, and choose a program where there are many."""
        await self.go("/portal/sign-in")
        await self.page.get_by_label("API key").fill(self.house.keys[who])
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url(SIGNED_IN)
        if program:
            choice = self.page.locator(f"form:has(input[name=program][value='{program}']) button")
            button = self.page.locator(f"button[name=program][value='{program}']")
            await choice.or_(button).first.click()
            await self.page.wait_for_url("**/portal/integrations")

    async def resize(self, size: tuple[int, int]) -> None:
        """Have a window of another size."""
        await self.page.set_viewport_size({"width": size[0], "height": size[1]})

    async def shade(self, scheme: Literal["light", "dark"]) -> None:
        """Prefer light or dark."""
        await self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")

    async def violations(self) -> list[str]:
        """Say what of WCAG 2.1 AA does not hold on the page as it is now."""
        results = await _axe.run(self.page, options=RULES)
        found: list[dict[str, Any]] = results.response["violations"]
        return [
            f"{one['id']}: {node['target']} {node['html'][:160]} {_why(node)}"
            for one in found
            for node in one["nodes"][:3]
        ]

    async def is_within(self) -> bool:
        """Say whether nothing sticks out at the side."""
        fits: bool = await self.page.evaluate(
            "document.scrollingElement.scrollWidth <= window.innerWidth"
        )
        return fits

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(ANSWERED):
            self.troubles.append(f"{message.type}: {message.text}")

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((f"{self.house.url}/", "data:")):
            self.troubles.append(f"a request to elsewhere: {request.url}")

    async def _dismiss(self, dialog: Dialog) -> None:
        self.troubles.append(f"a script ran: {dialog.message}")
        await dialog.dismiss()


def _why(node: dict[str, Any]) -> str:
    return "; ".join(one["message"] for one in node["any"][:1])


@asynccontextmanager
async def reading(browser: Browser, house: House, **options: Any) -> AsyncIterator[Reader]:  # noqa: ANN401  the browser's
    """Give somebody with a window of their own; nothing may have gone wrong in it at its end."""
    options.setdefault("viewport", {"width": WIDE[0], "height": WIDE[1]})
    context = await browser.new_context(reduced_motion="reduce", **options)
    reader = Reader(await context.new_page(), house)
    reader.page.set_default_timeout(10_000)
    reader.listen()
    try:
        yield reader
    finally:
        await context.close()
    assert not reader.troubles, reader.troubles
