"""Who lets people in: there is one in each application."""

import hmac
from collections.abc import Awaitable, Callable

from starlette.requests import Request

from hub.portal.door.guesses import Guesses
from hub.portal.door.sessions import Seal

PURPOSE = b"sessions of the portal"


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


def porter_of(request: Request) -> Porter:
    """Give the porter of this application."""
    porter: Porter = request.app.state.porter
    return porter
