"""The pages before all others: signing in, and choosing a program."""

from hub.portal.pages.page import Pages
from hub.portal.pages.sign_in import form, programs

OPEN = form.OPEN
PAGES: Pages = (*form.PAGES, *programs.PAGES)
