"""Yardstick: the usual way to do it, a Dramatiq actor for each statement, posting with httpx.

Run by Dramatiq's own command, one process, 32 threads, default settings and middleware; the body
travels in the message, and each thread keeps a client of its own.
"""

import logging
import os
import threading

import dramatiq
import httpx
from dramatiq.brokers.redis import RedisBroker

REDIS_URL, SINK_URL = "BENCHMARK_REDIS_URL", "BENCHMARK_SINK_URL"
HEADERS = {
    "Authorization": "Bearer sink",
    "Content-Type": "application/json",
    "X-Experience-API-Version": "1.0.3",
}

_threads = threading.local()


def declare(redis_url: str, sink_url: str) -> dramatiq.Actor[[str], None]:
    """Declare the actor on a broker of its own."""
    broker = RedisBroker(url=redis_url)  # type: ignore[no-untyped-call]  # Dramatiq left it untyped

    def send(text: str) -> None:
        client = getattr(_threads, "client", None)
        if client is None:
            client = _threads.client = httpx.Client(trust_env=False)
        client.post(sink_url, content=text.encode(), headers=HEADERS).raise_for_status()

    return dramatiq.actor(broker=broker, actor_name="send")(send)


if REDIS_URL in os.environ:
    # Dramatiq's command logs at INFO, where httpx has a line for every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    dramatiq.set_broker(declare(os.environ[REDIS_URL], os.environ[SINK_URL]).broker)
