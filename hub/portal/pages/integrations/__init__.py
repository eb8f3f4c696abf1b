"""The pages of integrations: the table, one of them, its form, its requests and its test."""

from hub.portal.pages.integrations import (
    attempts,
    find,
    form,
    overview,
    providers,
    rehearsals,
    table,
)
from hub.portal.pages.page import Pages

# Routes are tried in order: /integrations/add is none of /integrations/{integration_id}.
PAGES: Pages = (
    *form.PAGES,
    *providers.PAGES,
    *table.PAGES,
    *overview.PAGES,
    *rehearsals.PAGES,
    *attempts.PAGES,
    *find.PAGES,
)
