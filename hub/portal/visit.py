"""A visit: a request of somebody who has signed in, and how it is answered."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from hub.api.house import house_of
from hub.portal.door.cookies import COOKIE, TOLD, hand_out, is_kept, keep
from hub.portal.door.porter import porter_of
from hub.portal.door.sessions import RENEWED_AFTER, Seal, Session
from hub.portal.inside import Api, Facts, Refusal
from hub.portal.navigation import Shown, places
from hub.portal.paging import Paging
from hub.portal.rendering import HEADERS, go, render
from hub.portal.ways import HOME, IN_DIALOG

SHOWN = 50
"""Of a list, on one page."""


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
    def paging(self) -> Paging:
        """Which page of a list is shown."""
        return Paging.of(self.request.url.query)

    async def listed(self, path: str, **query: object) -> Facts:
        """Ask for the page of a list that is shown. Raises Refusal."""
        return await self.api.get(path, limit=SHOWN, cursor=self.paging.cursor, **query)

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

    def renew(self, response: Response) -> None:
        """Write the cookie anew when it is some time old, so that whoever is here stays."""
        now = house_of(self.request).clock()
        if now - self.session.seen >= RENEWED_AFTER and not is_kept(response):
            keep(response, self.request, self.seal, self.session.at(now))


class SignedOut(Exception):
    """Nobody has signed in, or the session is over."""


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
