"""The pages of the Learning Hub: programs, events, subscriptions and syncs."""

from hub.portal.pages.learning import (
    event_completions,
    events,
    program,
    subscriptions,
    syncs,
    template_editor,
)
from hub.portal.pages.page import Pages

PAGES: Pages = (
    *program.PAGES,
    *events.PAGES,
    *event_completions.PAGES,
    *subscriptions.PAGES,
    *template_editor.PAGES,
    *syncs.PAGES,
)
