"""What all pages do alike: who has signed in, how a page is made, and what its answer carries."""

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.api.house import House, house_of
from hub.portal import telling, words
from hub.portal.advice import advice
from hub.portal.inside import Api, Refusal
from hub.portal.navigation import Shown, places
from hub.portal.sessions import RENEWED_AFTER, Guesses, Seal, Session
from hub.portal.turns import turn_of

COOKIE, TOKEN = "hub_session", "csrf"
DOOR = "hub_door"
"""The cookie that goes with the sign-in form, before there is a session."""
TOLD = "hub_told"
"""The cookie that says on the next page what was done on this one."""
IN_DIALOG = "x-dialog"
"""The header of forms that are shown and sent in a dialog, see static/dialog.js."""
PURPOSE = b"sessions of the portal"
HOME, SIGN_IN = "/portal", "/portal/sign-in"
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
MOST_FIELDS = 200
STATIC = files("hub.portal") / "static"

Facts = dict[str, Any]


def query(wanted: Mapping[str, str]) -> str:
    """Write what stays in the address from page to page."""
    return urlencode({name: value for name, value in wanted.items() if value})


_templates = Environment(
    loader=PackageLoader("hub.portal"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {
    "number": words.number,
    "age": words.age,
    "milliseconds": words.milliseconds,
    "json": words.written,
    "size": telling.size,
    "query": query,
}
_templates.globals |= {
    "pretty": telling.pretty,
    "state_of": words.state_of,
    "day_of": words.day_of,
    "turn_of": turn_of,
    "moment": words.moment,
    "advice": advice,
    "outcome_of": telling.outcome_of,
    "place_of": telling.place_of,
    "happened": telling.happened,
    "progress_of": telling.progress_of,
    "duration": lambda seconds: words.age(timedelta(seconds=seconds)),
}


class Porter:
    """Lets people in: seals their sessions, and slows down those who guess.

    `secret` is asked for when somebody comes: the registry, which has it, may be away before.
    """

    def __init__(self, secret: Callable[[], Awaitable[bytes]], guesses: Guesses) -> None:
        self._secret = secret
        self._seal: Seal | None = None
        self.guesses = guesses

    async def seal(self) -> Seal:
        """Give what signs sessions. Raises RegistryUnavailable."""
        if self._seal is None:
            self._seal = Seal(hmac.digest(await self._secret(), PURPOSE, "sha256"))
        return self._seal


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who has signed in."""

    request: Request
    api: Api
    session: Session
    seal: Seal

    @property
    def program(self) -> str:
        """The program that is looked at."""
        return self.session.program

    @property
    def may_write(self) -> bool:
        """Whether the key may change anything of that program."""
        return self.api.caller.may_write(self.program)

    def require_write(self) -> None:
        """Refuse whoever may only read. Raises Refusal."""
        if not self.may_write:
            raise Refusal(403, "Not for this key", "this key may only read", {})

    @property
    def path(self) -> str:
        """Where the page is."""
        return str(self.request.scope["path"])

    @property
    def places(self) -> Sequence[Shown]:
        """Where one can go from every page."""
        is_system = self.api.caller.system
        return places(self.path, has_program=bool(self.program), is_system=is_system)

    @property
    def told(self) -> str:
        """What was done just now, if the page before said so."""
        return self.seal.read_words(self.request.cookies.get(TOLD, ""))

    def page(self, template: str, *, status: int = 200, **facts: object) -> Response:
        """Make a page."""
        house = house_of(self.request)
        answer = render(
            template,
            status=status,
            visit=self,
            csrf=self.seal.token(self.session),
            now=house.clock(),
            **facts,
        )
        if TOLD in self.request.cookies and "hx-request" not in self.request.headers:
            answer.delete_cookie(TOLD, path=HOME)
        return answer

    def go(self, path: str, told: str = "") -> Response:
        """Send the browser elsewhere after something was done, which the next page then tells."""
        if IN_DIALOG in self.request.headers:
            answer = Response(status_code=204, headers={**HEADERS, "X-Go": path})
        else:
            answer = go(path)
        if told:
            hand_out(answer, self.request, TOLD, self.seal.sign_words(told))
        return answer

    def refused(self, refusal: Refusal) -> Response:
        """Show what the API refuses."""
        status = refusal.status if refusal.status < 500 else 503
        return self.page("refused.html", status=status, refusal=refusal)


class SignedOut(Exception):
    """Nobody has signed in, or the session is over."""


class Forged(Exception):
    """A form that is not one of ours."""


def render(template: str, *, status: int = 200, **facts: object) -> Response:
    """Make a page of a template."""
    return HTMLResponse(_templates.get_template(template).render(facts), status, HEADERS)


def go(path: str) -> Response:
    """Send the browser elsewhere, after something was done."""
    return RedirectResponse(path, 303, HEADERS)


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


async def visit_of(request: Request) -> Visit:
    """Say who has signed in. Raises SignedOut."""
    house, porter = house_of(request), porter_of(request)
    seal = await porter.seal()
    session = seal.read(request.cookies.get(COOKIE, ""), house.clock())
    caller = await house.keys.caller(session.key_id) if session else None
    if session is None or caller is None:
        raise SignedOut
    if session.program and not caller.may_read(session.program):
        raise SignedOut
    return Visit(request, Api(request.app, caller), session, seal)


def porter_of(request: Request) -> Porter:
    """Give the porter of this application."""
    porter: Porter = request.app.state.porter
    return porter


async def form_of(request: Request, visit: Visit) -> dict[str, str]:
    """Read a form, after looking whether it is ours. Raises Forged."""
    form = await read_form(request)
    if not visit.seal.is_token(visit.session, form.pop(TOKEN, "")):
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


def keep(response: Response, request: Request, seal: Seal, session: Session) -> None:
    """Hand the cookie of a session out."""
    hand_out(response, request, COOKIE, seal.sign(session))


def hand_out(response: Response, request: Request, name: str, value: str) -> None:
    """Set a cookie that only the portal is sent, and no script can read."""
    response.set_cookie(
        name,
        value,
        path=HOME,
        httponly=True,
        samesite="lax",
        secure=_is_public(request),
    )


def renew(response: Response, visit: Visit, house: House) -> None:
    """Write the cookie anew when it is some time old, so that whoever is here stays."""
    now = house.clock()
    is_kept = any(one.startswith(f"{COOKIE}=") for one in response.headers.getlist("set-cookie"))
    if now - visit.session.seen >= RENEWED_AFTER and not is_kept:
        keep(response, visit.request, visit.seal, visit.session.at(now))


def _is_public(request: Request) -> bool:
    return house_of(request).public_url.startswith("https:")


def texts(facts: Mapping[str, object]) -> dict[str, str]:
    """Write facts as the fields of a form hold them."""
    return {
        name: ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        for name, value in facts.items()
        if value is not None
    }
