"""The pages of sources: the table, one of them, its form, and what became of its files."""

from hub.portal.pages.page import Pages
from hub.portal.pages.sources import files, form, recipes, source, table

# Routes are tried in order: /sources/add and /sources/recipes are none of /sources/{source_id}.
PAGES: Pages = (*form.PAGES, *recipes.PAGES, *table.PAGES, *source.PAGES, *files.PAGES)
