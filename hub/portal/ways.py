"""The portal's own addresses: where it begins, which are ours, and where to sign in for one."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request

HOME, SIGN_IN = "/portal", "/portal/sign-in"
IN_DIALOG = "x-dialog"
"""The header of forms that are shown and sent in a dialog, see static/dialog.js."""


def query(wanted: Mapping[str, str]) -> str:
    """Write what stays in the address from page to page."""
    return urlencode({name: value for name, value in wanted.items() if value})


def local(path: str) -> str:
    """Give a path of the portal as it is, and nothing for any other address."""
    is_plain = path.isascii() and path.isprintable() and not set(path) & {"\\", " "}
    is_ours = path == HOME or path.startswith((f"{HOME}/", f"{HOME}?"))
    place = path.partition("?")[0].lower().replace("%2e", ".")
    is_led = "//" in place or "/." in place
    is_way = place.startswith((SIGN_IN, f"{HOME}/sign-out"))
    return path if is_plain and is_ours and not (is_led or is_way) else ""


def sign_in_for(request: Request) -> str:
    """Give where to sign in, and to go on from there to the page that was asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method != "GET" or IN_DIALOG in request.headers or "hx-request" in request.headers:
        # A part of a page or a form leads to nothing by itself: the page it was on does.
        on = urlsplit(request.headers.get("hx-current-url") or request.headers.get("referer", ""))
        asked = f"{on.path}?{on.query}" if on.query else on.path
    asked = local(asked)
    return f"{SIGN_IN}?{urlencode({'next': asked})}" if asked and asked != HOME else SIGN_IN
