"""What a page is: something that answers a visit."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.responses import Response

from hub.portal.visit import Visit

Page = Callable[[Visit], Awaitable[Response]]
Pages = Sequence[tuple[str, list[str], Page]]
"""Where each page is, below the portal's own path."""
