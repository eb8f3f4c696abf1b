"""Yardstick: a bare loop that posts statements with httpx over aiohttp, and does nothing else.

`python -m benchmarks.bare_loop URL COUNT`: no queue, no token, no journal; 32 requests in flight.
"""

import asyncio
import sys
from collections.abc import Iterator

import aiohttp
import httpx
import uvloop
from httpx_aiohttp import AiohttpTransport

from benchmarks.statements import bodies

IN_FLIGHT = 32
HEADERS = {
    "Authorization": "Bearer sink",
    "Content-Type": "application/json",
    "X-Experience-API-Version": "1.0.3",
}


async def post_all(url: str, texts: Iterator[bytes]) -> None:
    """Post every text; IN_FLIGHT lines share the iterator."""
    transport = AiohttpTransport(
        client=lambda: aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    )
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:

        async def line() -> None:
            for text in texts:
                (await client.post(url, content=text, headers=HEADERS)).raise_for_status()

        await asyncio.gather(*(line() for _ in range(IN_FLIGHT)))


if __name__ == "__main__":
    made = [text for _, text in bodies(int(sys.argv[2]))]
    uvloop.run(post_all(sys.argv[1], iter(made)))
