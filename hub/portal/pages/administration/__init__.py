"""The pages of what is there for all programs, and of who changed what."""

from hub.portal.pages.administration import audit, entrance, keys, providers
from hub.portal.pages.page import Pages

PAGES: Pages = (*entrance.PAGES, *audit.PAGES, *providers.PAGES, *keys.PAGES)
