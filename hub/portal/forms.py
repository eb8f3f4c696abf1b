"""Forms: read, after looking whether they are ours; and shown, with what is wrong with them."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from hub.portal.inside import Refusal
from hub.portal.visit import Visit

CSRF = "csrf"
"""The field that every form of ours carries."""
MOST_FIELDS = 200
OVERTAKEN = (
    "Somebody else changed it meanwhile. What you typed is still here: look at it once more, and "
    "save it again to have it so."
)
"""Beside a form whose ETag is not that of what is there now."""


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


def ask(
    visit: Visit,
    template: str,
    form: Mapping[str, str],
    refusal: Refusal | None = None,
    *,
    errors: Mapping[str, str] | None = None,
    **facts: object,
) -> Response:
    """Show a form, and what is wrong with it: beside its fields, or above them all."""
    if errors is None:
        errors = refusal.errors if refusal else {}
    trouble = str(refusal) if refusal and not errors else ""
    is_overtaken = refusal is not None and refusal.status == 412
    return visit.page(
        template,
        status=refusal.status if refusal else 422 if errors else 200,
        form=form,
        errors=errors,
        trouble=OVERTAKEN if is_overtaken else trouble,
        **facts,
    )
