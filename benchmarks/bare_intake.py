"""Yardstick: a bare Starlette app that writes each request with one XADD, and does nothing else.

`python -m benchmarks.bare_intake PORT REDIS_URL`: no key, no check, no receipt, no group commit.
"""

import sys

import uvicorn
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CONNECTIONS = 128


def build(redis: Redis) -> Starlette:
    """Build the app on a client."""

    async def take(request: Request) -> Response:
        await redis.xadd("bare", {"b": await request.body()})
        return Response(b"{}", 202, media_type="application/json")

    async def health(_: Request) -> Response:
        return Response(b"{}")

    return Starlette(
        routes=[Route("/statements", take, methods=["POST"]), Route("/healthz", health)]
    )


if __name__ == "__main__":
    uvicorn.run(
        build(Redis.from_url(sys.argv[2], max_connections=CONNECTIONS)),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        access_log=False,
        log_level="warning",
    )
