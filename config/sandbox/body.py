"""Reads the body of a request, up to a bound."""

from starlette.requests import Request


async def read_body(request: Request, limit: int) -> bytes | None:
    """Return the body; None as soon as it turns out longer than `limit`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)
