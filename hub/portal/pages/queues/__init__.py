"""The pages of what is on its way: what waits, what is parked, and what is sent again."""

from hub.portal.pages.page import Pages
from hub.portal.pages.queues import parked, replays, waiting

PAGES: Pages = (*waiting.PAGES, *parked.PAGES, *replays.PAGES)
