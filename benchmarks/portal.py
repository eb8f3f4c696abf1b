"""Every page of the portal, with 10,000 integrations in a program and 1,000,000 parked statements.

One integration has all that is parked, and a queue of 100,000. What pages read of integrations is
in SQL and in Redis; each page is asked for by HTTP, one at a time, on SQLite and on PostgreSQL.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from time import monotonic
from uuid import uuid4

import httpx
import uvloop

from benchmarks.postgres import durable_postgres
from benchmarks.report import is_quick, keep, percentile, table
from benchmarks.stage import PROGRAM, USER, Stage, open_stage
from benchmarks.statements import bodies
from config import clock
from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import IntegrationId
from delivery.facts.times import to_ms
from delivery.stores.keys import Keys
from delivery.stores.store import Command
from hub.portal.app import ROOT, pages
from hub.registry.parties.integration_records import NewIntegration
from hub.registry.parties.integration_rows import new_row
from hub.registry.sql.tables import ProviderRow
from tests.fakes.registry import an_integration

GOAL_MS = 300
TOGETHER, IN_ONE_COMMIT = 200, 500
HIDDEN = re.compile(r'name="csrf" value="([^"]+)"')


async def main(*, quick: bool) -> None:
    """Fill a hub on each database, and ask for every page."""
    integrations, parked, queued, rounds = (
        (300, 3_000, 500, 3) if quick else (10_000, 10**6, 10**5, 20)
    )
    found: dict[str, dict[str, dict[str, float]]] = {}
    with durable_postgres() as settings:
        for name, given in (("SQLite", {}), ("PostgreSQL", settings)):
            async with open_stage(**given) as stage:
                main_one = await _fill(stage, integrations, parked=parked, queued=queued)
                async with stage.web():
                    found[name] = await _measure(stage, main_one, rounds)
    for name, times in found.items():
        worst = sorted(times.items(), key=lambda one: -one[1]["max"])
        print(f"\n{name}: the slowest of {len(times)} pages, ms")
        table(["", "p50", "p95", "max"], [[path, *took.values()] for path, took in worst[:15]])
    print(f"\ngoal: {GOAL_MS} ms for every page")
    facts = {"integrations": integrations, "parked": parked, "queued": queued, "ms": found}
    keep("portal", facts, quick=quick)


async def _fill(stage: Stage, count: int, *, parked: int, queued: int) -> IntegrationId:
    first = await stage.connect()
    await stage.registry.integrations.change(first, {"enabled": False}, by=USER)
    await _integrations(stage, count)
    await _park(stage, first, parked)
    await stage.fill(first, queued)
    return first


async def _integrations(stage: Stage, count: int) -> None:
    for start in range(0, count, IN_ONE_COMMIT):
        ids = await _some_integrations(stage, range(start, min(start + IN_ONE_COMMIT, count)))
        for first in range(0, len(ids), TOGETHER):
            together = ids[first : first + TOGETHER]
            apply = stage.delivery.control.apply
            await asyncio.gather(*(apply(an_integration(one)) for one in together))


async def _some_integrations(stage: Stage, numbers: Iterable[int]) -> Sequence[IntegrationId]:
    registry = stage.registry
    model = await registry.providers.find("sink-1")
    rows = []
    async with registry.database.write() as session:
        for number in numbers:
            new = NewIntegration(
                name=f"Customer {number:05}",
                provider=f"p{number}",
                technical_emails=("contact@example.org",),
                statement_url=stage.sink.statements_url,
                authentication_url=f"{stage.sink.url}/token",
                client_id="benchmark",
                client_secret="benchmark-secret",  # noqa: S106 - the sink lets everybody in
            )
            at = clock.now() + timedelta(microseconds=number)
            rows.append(new_row(PROGRAM, new, vault=registry.vault, now=at))
            session.add(ProviderRow(id=new.provider, **_provider(model)))
        await session.flush()
        session.add_all(rows)
        return [IntegrationId(row.id) for row in rows]


def _provider(model: object) -> dict[str, object]:
    names = ("object_id", "object_id_template", "actor_id", "account_home_page", "verbs")
    more = ("xapi_version", "batch_size", "concurrency", "token_auth", "scope", "token_parameters")
    same = {name: getattr(model, name) for name in (*names, *more)}
    return {"name": "Sink", "status": "active", **same}


async def _park(stage: Stage, integration_id: IntegrationId, count: int) -> None:
    keys, now = Keys(integration_id), to_ms(clock.now())

    def commands() -> Iterator[Command]:
        for number, (statement_id, body) in enumerate(bodies(count)):
            yield (
                *("XADD", keys.parked, "*", "i", statement_id, "b", body, "t", now, "d", "0" * 32),
                *("p", "", "k", "", "at", now, "a", '{"error": "no such course"}'),
                *("r", "HTTP 422: no such course", "s", 422 if number % 2 else 400, "v", 1),
            )

    waiting = commands()
    while some := list(islice(waiting, 1_000)):
        await _surely(stage, some)


async def _surely(stage: Stage, commands: Sequence[Command]) -> None:
    while True:
        try:
            await stage.delivery.store.ask(*commands)
        except StoreUnavailable:
            # On a busy machine Redis may take its time; a few statements too many do no harm.
            continue
        return


async def _measure(
    stage: Stage, integration_id: IntegrationId, rounds: int
) -> dict[str, dict[str, float]]:
    async with httpx.AsyncClient(trust_env=False, timeout=60, base_url=stage.web_url) as client:
        api_key = await stage.api_key()
        await _sign_in(client, api_key)
        client.auth = httpx.BasicAuth(USER, api_key)
        found = {}
        for path in _paths(await _names(client, integration_id)):
            await client.get(path)
            took = []
            for _ in range(rounds):
                began = monotonic()
                answer = await client.get(path)
                took.append((monotonic() - began) * 1000)
                if answer.status_code not in {200, 303, 404, 422}:
                    raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:500]}")
            shares = {"p50": 0.5, "p95": 0.95}
            shown = {name: round(percentile(took, share), 1) for name, share in shares.items()}
            found[path.replace(integration_id, "ID")] = {**shown, "max": round(max(took), 1)}
    return found


async def _sign_in(client: httpx.AsyncClient, api_key: str) -> None:
    form = await client.get(f"{ROOT}/sign-in")
    token = {"csrf": found[1]} if (found := HIDDEN.search(form.text)) else {}
    answer = await client.post(f"{ROOT}/sign-in", data={"apiKey": api_key, **token})
    chooser = await client.get(answer.headers["location"], follow_redirects=True)
    found = HIDDEN.search(chooser.text)
    if found is None:
        raise SystemExit(f"no one signed in: {chooser.status_code} {chooser.text[:300]}")
    form_of_choice = {"csrf": found[1], "program": PROGRAM}
    await client.post(f"{ROOT}/programs", data=form_of_choice)


async def _names(client: httpx.AsyncClient, integration_id: IntegrationId) -> dict[str, str]:
    """Give what stands for each name in the paths of pages."""
    said = {"name": "A file", "kind": "csv", "recipe": "csv-completions"}
    made = await client.post(f"/api/programs/{PROGRAM}/sources", json=said)
    return {
        "integration_id": integration_id,
        "source_id": made.raise_for_status().json()["id"],
        "program_id": PROGRAM,
        "provider_id": "sink-1",
    }


def _paths(names: dict[str, str]) -> Sequence[str]:
    """Give every page that is read; what has a name that is not there answers 404, or 422."""
    nobody = str(uuid4())
    paths = [
        ROOT + re.sub(r"\{(\w+)(:\w+)?\}", lambda found: names.get(found[1], nobody), path)
        for path, methods, _ in pages()
        if "GET" in methods and not path.endswith("/download")
    ]
    parked, queue = (
        f"{ROOT}/integrations/{names['integration_id']}/{p}" for p in ("parked", "queue")
    )
    filters = (
        f"{ROOT}/integrations?q=customer+099",
        f"{ROOT}/integrations?q=nothing+so",
        f"{ROOT}/integrations?state=down",
        f"{ROOT}/integrations?state=flowing",
        f"{parked}?status=422",
        f"{parked}?status=499",
        queue,
    )
    return [*dict.fromkeys((*paths, *filters))]


if __name__ == "__main__":
    uvloop.run(main(quick=is_quick(__doc__)))
