"""Forms: read, after looking whether they are ours."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from hub.portal.visit import Visit

CSRF = "csrf"
"""The field that every form of ours carries."""
MOST_FIELDS = 200


class Forged(Exception):
    """A form that is not one of ours."""


async def form_of(visit: Visit) -> dict[str, str]:
    """Read a form, after looking whether it is ours. Raises Forged."""
    form = await read_form(visit.request)
    if not visit.seal.is_token(visit.session, form.pop(CSRF, "")):
        raise Forged
    return form


async def read_form(request: Request) -> dict[str, str]:
    """Read the fields of a form; white space around them was typed by accident."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        # More fields than any form of ours has: it is none, and carries no token either.
        return {}
    return {name: value.strip() for name, value in pairs}
