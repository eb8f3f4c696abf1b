"""The cookies of the portal: what each is for, and how one is handed out."""

from starlette.requests import Request
from starlette.responses import Response

from hub.api.house import house_of
from hub.portal.door.sessions import Seal, Session
from hub.portal.ways import HOME

COOKIE = "hub_session"
"""The cookie that holds a session."""
DOOR = "hub_door"
"""The cookie that goes with the sign-in form, before there is a session."""
TOLD = "hub_told"
"""The cookie that says on the next page what was done on this one."""


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


def is_kept(response: Response) -> bool:
    """Whether an answer hands a session out already."""
    return any(one.startswith(f"{COOKIE}=") for one in response.headers.getlist("set-cookie"))


def _is_public(request: Request) -> bool:
    return house_of(request).public_url.startswith("https:")
