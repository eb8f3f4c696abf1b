"""The pages of sources: the table, one of them, its form, and what became of its files."""

from hub.portal.pages.page import Pages
from hub.portal.pages.sources import files, form, source, table

# Routes are tried in order: /sources/add is none of /sources/{source_id}.
PAGES: Pages = (*form.PAGES, *table.PAGES, *source.PAGES, *files.PAGES)
