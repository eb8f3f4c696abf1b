"""How a page is made of its template, and what every answer carries."""

from datetime import timedelta
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.portal.ways import query
from hub.portal.wording import plain, telling
from hub.portal.wording.advice import advice
from hub.portal.wording.turns import turn_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
STATIC = files("hub.portal") / "static"

_templates = Environment(
    loader=PackageLoader("hub.portal"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {
    "number": plain.number,
    "age": plain.age,
    "milliseconds": plain.milliseconds,
    "json": plain.written,
    "size": telling.size,
    "query": query,
}
_templates.globals |= {
    "pretty": telling.pretty,
    "state_of": plain.state_of,
    "day_of": plain.day_of,
    "turn_of": turn_of,
    "moment": plain.moment,
    "advice": advice,
    "outcome_of": telling.outcome_of,
    "place_of": telling.place_of,
    "happened": telling.happened,
    "progress_of": telling.progress_of,
    "duration": lambda seconds: plain.age(timedelta(seconds=seconds)),
}


def render(template: str, *, status: int = 200, **facts: object) -> Response:
    """Make a page of a template."""
    return HTMLResponse(_templates.get_template(template).render(facts), status, HEADERS)


def go(path: str) -> Response:
    """Send the browser elsewhere, after something was done."""
    return RedirectResponse(path, 303, HEADERS)
