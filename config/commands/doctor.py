"""`hub doctor`: looks whether everything is there that a delivery needs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import aiosmtplib
import typer
from pydantic import JsonValue
from redis.exceptions import RedisError

from config import clock
from config.commands.frame import AsJson, Row, do, prepare, tell_all
from config.commands.reach import reach
from config.errors import ConfigError
from config.pipeline import open_landing
from config.readiness import of_disk
from config.settings import Settings
from config.stores import Weight, check_durability, locate, open_redis
from config.wiring import Registry, open_registry
from delivery.facts.errors import DeliveryError
from delivery.facts.vital_signs import Complaint, Signs, complaints
from delivery.stores.keys import INTEGRATIONS
from delivery.stores.store import Store
from delivery.vitality import Vitality
from hub.errors import HubError

SKEW = timedelta(seconds=2)
"""Due times are written by one machine and read by another, which then comes too early or late."""
SMTP_SECONDS = 5
FAULT = "fault"
FAULTS = (
    *(ConfigError, HubError, DeliveryError, RedisError),
    *(aiosmtplib.SMTPException, OSError),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look came to. A fault makes `hub doctor` fail, a warning does not."""

    name: str
    verdict: str
    text: str

    def row(self) -> Row:
        """Write it down."""
        return {"check": self.name, "verdict": self.verdict, "text": self.text}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(look_after)


def look_after(*, as_json: AsJson = False) -> None:
    """Check settings, Redis, clocks, SQL, workers, disk and mail; exit code 1 on a fault.

    With --url, ask that hub what it sees.
    """
    settings = prepare()
    findings = do(examine(settings) if settings.url is None else ask(settings))
    columns = ("check", "verdict", "text")
    tell_all([finding.row() for finding in findings], columns=columns, as_json=as_json)
    if any(finding.verdict == FAULT for finding in findings):
        raise typer.Exit(1)


async def ask(settings: Settings) -> list[Finding]:
    """Ask a hub somewhere else what is missing there, and what it warns of."""
    async with reach(settings) as hub:
        told = await hub.readiness()
    missing, warnings = told.get("missing"), told.get("warnings")
    found = [
        *(Finding(name, FAULT, str(text)) for name, text in _pairs(missing)),
        *(
            Finding(str(one["about"]), "warning", f"{one['text']}. {one['remedy']}.")
            for one in (warnings if isinstance(warnings, list) else [])
            if isinstance(one, dict)
        ),
    ]
    return found or [Finding("hub", "ok", f"{settings.url} is ready, everything gets on")]


def _pairs(missing: JsonValue) -> list[tuple[str, JsonValue]]:
    return list(missing.items()) if isinstance(missing, dict) else []


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything; one thing that is broken hides no other."""
    findings = [Finding("settings", "ok", "all names and values are known")]
    looks: Sequence[tuple[str, Callable[[Settings], Awaitable[list[Finding]]]]] = (
        ("redis", _redis),
        ("clock", _clock),
        ("sql", _sql),
        ("delivery", _delivery),
        ("landing", _landing),
        ("smtp", _smtp),
    )
    for name, look in looks:
        try:
            findings += await look(settings)
        except FAULTS as error:
            findings.append(Finding(name, FAULT, f"{error}"))
    return findings


async def _redis(settings: Settings) -> list[Finding]:
    async with open_redis(locate(settings)) as redis:
        found = await check_durability(redis)
    weights = {Weight.NOTE: "note", Weight.WARNING: "warning"}
    told = [Finding("redis", weights[one.weight], one.text) for one in found]
    return told or [Finding("redis", "ok", "every accepted statement is on disk")]


async def _clock(settings: Settings) -> list[Finding]:
    async with open_redis(locate(settings)) as redis:
        seconds, micros = await redis.time()
    skew = abs(datetime.fromtimestamp(int(seconds) + int(micros) / 1e6, UTC) - clock.now())
    verdict = "ok" if skew < SKEW else FAULT
    return [Finding("clock", verdict, f"{skew.total_seconds():.3f} s apart from Redis")]


async def _sql(settings: Settings) -> list[Finding]:
    async with open_registry(settings) as registry:
        await registry.database.ping()
    return [Finding("sql", "ok", "answers")]


async def _delivery(settings: Settings) -> list[Finding]:
    """Look whether delivery lives and gets on, and whether SQL and Redis speak of the same."""
    async with open_registry(settings) as registry, open_redis(locate(settings)) as redis:
        store = Store(redis)
        signs = await Vitality(store, clock.now).look()
        strangers = await _strangers(registry, store)
    found = [*complaints(signs), *of_disk(settings)]
    if strangers:
        found.append(
            Complaint(
                "registry",
                f"Redis holds integrations that SQL does not know: {', '.join(strangers)}",
                "they were made after the backup that was restored; nobody can reach them",
            )
        )
    alive = len(signs.alive)
    if not found:
        return [Finding("delivery", "ok", f"{alive} workers, everything gets on")]
    return [Finding(one.about, _verdict(one, signs), f"{one.text}. {one.remedy}.") for one in found]


async def _landing(settings: Settings) -> list[Finding]:
    await open_landing(settings).check()
    return [Finding("landing", "ok", "raw records can be written, read and removed")]


def _verdict(complaint: Complaint, signs: Signs) -> str:
    # Nobody works where nothing waits: no fault of what is looked at here.
    idle = not signs.alive and not signs.overdue and complaint.about == "worker"
    return FAULT if complaint.grave and not idle else "warning"


async def _strangers(registry: Registry, store: Store) -> list[str]:
    (known,) = await store.ask(("SMEMBERS", INTEGRATIONS))
    left = {one.decode() for one in known}
    cursor = None
    while True:
        page = await registry.integrations.list_all(cursor=cursor)
        left -= {mark.id for mark in page.items}
        cursor = page.next
        if cursor is None:
            return sorted(left)


async def _smtp(settings: Settings) -> list[Finding]:
    if settings.smtp_url is None:
        return [Finding("smtp", "warning", "HUB_SMTP_URL is not set: mails go to the data folder")]
    url = urlsplit(settings.smtp_url)
    client = aiosmtplib.SMTP(
        hostname=url.hostname,
        port=url.port,
        use_tls=url.scheme == "smtps",
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        timeout=SMTP_SECONDS,
    )
    async with client:
        await client.noop()
    return [Finding("smtp", "ok", f"{url.hostname} answers")]
