"""Real servers that speak S3, on loopback: moto, and rclone over a folder; they differ."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import obstore

from config.children import die_with_parent
from config.listening import free_port
from hub.landing.objects import S3Place, open_s3
from tests.fakes.fault_proxy import HOST
from tests.waiting import until

ACCESS_KEY, SECRET_KEY = "access-key", "secret-key-of-tests"
BUCKET = "landing"
WITHIN = 60
AT_ONCE = 20
"""How many keys moto gives in a page."""


@dataclass(frozen=True, slots=True)
class S3:
    """A running server with one bucket."""

    endpoint: str

    def place(self, prefix: str = "") -> S3Place:
        """Give where its bucket is."""
        return S3Place(BUCKET, prefix, self.endpoint, "us-east-1", ACCESS_KEY, SECRET_KEY)

    @property
    def environ(self) -> dict[str, str]:
        """Give what AWS's own variables would say."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
        }

    async def put(self, key: str, content: bytes) -> None:
        """Put an object there, as its owner does."""
        await obstore.put_async(open_s3(self.place()), key, content)


@asynccontextmanager
async def running_s3(kind: str, folder: Path) -> AsyncIterator[S3]:
    """Run one until the block ends."""
    port = free_port(HOST)
    endpoint = f"http://{HOST}:{port}"
    (folder / "served" / BUCKET).mkdir(parents=True)
    if kind == "rclone":
        words = [
            *(str(Path(sys.executable).with_name("rclone")), "serve", "s3"),
            *("--addr", f"{HOST}:{port}", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"),
            *("--force-path-style", str(folder / "served")),
        ]
    else:
        words = [str(Path(sys.executable).with_name("moto_server")), "-H", HOST, "-p", str(port)]
    with (folder / "s3.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdout=log,
            stderr=log,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "MOTO_S3_DEFAULT_MAX_KEYS": str(AT_ONCE),
            },
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            await until(partial(_answers, client, endpoint), within=WITHIN, what=kind)
            if kind == "moto":
                await client.put(f"{endpoint}/{BUCKET}")
        yield S3(endpoint)
    finally:
        process.kill()
        await process.wait()


async def _answers(client: httpx.AsyncClient, endpoint: str) -> bool:
    try:
        await client.get(endpoint)
    except httpx.TransportError:
        return False
    return True
