"""The whole house with something of everything in it: what the screens are looked at with.

Everything that somebody can name is named by `spice`, and the customers' servers answer with it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from config.listening import free_port
from config.sandbox.imports import API_KEY
from config.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from tests.fakes.fault_proxy import HOST
from tests.fakes.http_server import HttpServer, Received, http_server, write
from tests.faults.stack import PATIENCE, Stack, open_house, prepare
from tests.waiting import until

PROGRAM, PUBLISHER, OTHERS = "ACME", "ACADEMY", "OTHERS"
MARKUP = "\"><img src=x onerror=alert(1)><script>alert(2)</script> & 'Zoë'"
LEARNERS = ("ada", "grace", "alan", "edsger", "barbara")
TEMPLATE = {
    "COURSE": {
        "label": "Courses",
        "importProcessId": 7,
        "batchRowTemplate": '{"Member": "{{lower email}}", "Course": "{{course}}"}',
    },
    "*": {"action": "ignore", "label": "Nothing else matters"},
}
ROWS = (
    "E-mail,Course,Finished\n"
    "ada@example.org,https://example.org/courses/engines,2026-01-31T12:00:00Z\n"
    "grace@example.org,https://example.org/courses/compilers,2026-01-31T12:05:00Z\n"
)
Facts = dict[str, Any]


@dataclass(slots=True)
class House:
    """A running house, who may see what of it, and what there is to be seen."""

    stack: Stack
    customer: HttpServer
    spice: str
    keys: dict[str, str] = field(default_factory=dict)
    """API keys: `system`, `writer` and `reader` of the program, and a `stranger` to it."""
    ids: dict[str, str] = field(default_factory=dict)
    """What stands for each name in the path of a page."""
    integrations: dict[str, str] = field(default_factory=dict)
    """Ids, by how it goes with them."""

    @property
    def url(self) -> str:
        """Where the house is."""
        return str(self.stack.client.base_url).rstrip("/")

    async def post(self, path: str, body: object = None, **query: str) -> Any:  # noqa: ANN401  JSON
        """Have something done by the SYSTEM key."""
        answer = await self.stack.client.post(path, json=body, params=query)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    async def get(self, path: str, **query: str) -> Any:  # noqa: ANN401  JSON, or a list of it
        """Ask for something as the SYSTEM key."""
        answer = await self.stack.client.get(path, params=query)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def key(self, user: str, **programs: str) -> str:
        """Make a key."""
        made = await self.post("/api/keys", {"userId": user, "programs": programs})
        return str(made["apiKey"])

    async def program(self, name: str, **fields: object) -> None:
        """Make a program."""
        await self.post(
            "/programs", {"ProgramId": name, "Name": f"{name.title()} {self.spice}", **fields}
        )

    async def provider(self, name: str) -> None:
        """Make a provider."""
        await self.post("/api/providers", {"id": name, "name": f"{name.title()} {self.spice}"})

    async def integrate(self, provider: str, **fields: object) -> str:
        """Make an integration to the sandbox, named like its provider."""
        made = await self.post(
            f"/api/programs/{PROGRAM}/integrations",
            {
                "name": f"{provider.title()} {self.spice}",
                "provider": provider,
                "technicalEmails": ["ops@acme.example"],
                "statementUrl": f"{self.stack.to_lrs.url}/xapi/statements",
                "authenticationUrl": f"{self.stack.to_lrs.url}/oauth/token",
                "clientId": CLIENT_ID,
                "clientSecret": CLIENT_SECRET,
                **fields,
            },
        )
        return str(made["id"])

    async def send(self, integration: str, count: int = 3) -> list[str]:
        """Hand statements in; give their ids."""
        taken = await self.post(
            f"/api/integrations/{integration}/statements",
            [statement(LEARNERS[number % len(LEARNERS)], self.spice) for number in range(count)],
        )
        return [str(one) for one in taken["accepted"]]

    async def stands(self, integration: str, status: str, **counts: int) -> None:
        """Wait until an integration stands so."""

        async def does() -> bool:
            health = (await self.get(f"/api/integrations/{integration}"))["health"]
            wanted = {"status": status, **counts}
            return health is not None and wanted.items() <= health.items()

        await until(does, within=PATIENCE, what=f"{status} {counts}")


def statement(learner: str, spice: str) -> Facts:
    """Give a statement."""
    return {
        "actor": {"name": f"{learner} {spice}", "mbox": f"mailto:{learner}@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": spice}},
        "object": {
            "id": "https://example.org/courses/engines",
            "definition": {"name": {"en": f"On engines {spice}"}},
        },
    }


@asynccontextmanager
async def open_full_house(folder: Path, spice: str) -> AsyncIterator[House]:
    """Bring a house up, and fill it."""
    prepared = await prepare(folder / "prepared")
    running = folder / "running"
    running.mkdir()
    async with (
        open_house(prepared, running) as stack,
        http_server(partial(_answer, spice)) as customer,
    ):
        await stack.start_web()
        worker = await stack.start_worker()
        house = House(stack, customer, spice)
        await _admit(house)
        await until(partial(stack.beats, worker), within=PATIENCE, what="a beat")
        for fill in (_deliver, _publish, _read_files):
            await fill(house)
        yield house


async def _answer(spice: str, asked: Received, writer: Any) -> None:  # noqa: ANN401  a stream
    """Be a customer's server that is full of markup: it gives tokens, and what its path says."""
    if asked.target == "/token":
        await write(writer, 200, {"access_token": "t", "token_type": "Bearer"}, {})
        return
    status = 503 if asked.target == "/away" else 400
    page = f"<h1>{status}</h1> {spice} " * 3
    await write(writer, status, page, {"Content-Type": "text/html", "X-Spice": spice[:60]})


async def _admit(house: House) -> None:
    """Make programs, and the keys to them."""
    learning_builder = {"LbApiUrl": house.stack.to_lrs.url, "LbApiKey": API_KEY}
    nightly = {"NightlySync": {"At": "02:30", "Zone": "Europe/Berlin"}}
    contacts = {"TechnicalEmails": "ops@acme.example"}
    await house.program(PROGRAM, **learning_builder, **nightly, **contacts)
    await house.program(PUBLISHER)
    await house.program(OTHERS)
    house.keys = {
        "system": house.stack.key[1],
        "writer": await house.key("writer", **{PROGRAM: "write"}),
        "reader": await house.key("reader", **{PROGRAM: "read"}),
        "stranger": await house.key("stranger", **{OTHERS: "write"}),
    }
    (key,) = (await house.get("/api/keys", userId="writer"))["items"]
    house.ids |= {"publisher": PUBLISHER, "key_id": key["keyId"], "kind": "csv"}


async def _deliver(house: House) -> None:
    """Make an integration for each way that it can go, and let it go so."""
    at_customer = {
        "authenticationUrl": house.customer.url("/token"),
        "statementUrl": house.customer.url("/refused"),
    }
    roads: Mapping[str, Mapping[str, object]] = {
        "flowing": {},
        "parking": at_customer,
        "down": {**at_customer, "statementUrl": house.customer.url("/away")},
        "unreached": {"statementUrl": f"http://{HOST}:{free_port(HOST)}/"},
        "refused": {"clientSecret": "no longer right"},
        "disabled": {"status": "disabled"},
    }
    sent: dict[str, list[str]] = {}
    for name, fields in roads.items():
        await house.provider(name)
        house.integrations[name] = await house.integrate(name, **fields)
        sent[name] = await house.send(house.integrations[name])
    await house.provider("free")
    await house.stands(house.integrations["flowing"], "flowing", queued=0)
    await house.stands(house.integrations["parking"], "flowing", queued=0, parked=3)
    await house.stands(house.integrations["down"], "down")
    await house.stands(house.integrations["unreached"], "down")
    await house.stands(house.integrations["refused"], "refused")
    flowing = house.integrations["flowing"]
    replay = await house.post(
        f"/api/integrations/{flowing}/replays", {"since": "2026-01-01T00:00:00Z"}
    )
    (attempt, *_) = (await house.get(f"/api/integrations/{flowing}/attempts"))["items"]
    house.ids |= {
        "attempt_id": attempt["id"],
        "integration_id": flowing,
        "provider_id": "flowing",
        "operation_id": str(replay["replayId"]),
        "statement_id": sent["flowing"][0],
    }


async def _publish(house: House) -> None:
    """Publish events, subscribe to them, and sync."""
    published = await house.post(
        "/events",
        [
            {
                "PublisherProgramId": PUBLISHER,
                "EventType": "AI_COMP_SUCCESS",
                "PublisherEventId": f"AI:{number} {house.spice}",
                "PublisherParticipantId": f"{learner}@example.org",
                "PublisherEventCategory": {"value": "COURSE", "label": f"A course {house.spice}"},
                "PublisherEventData": {
                    "email": f"{learner}@example.org",
                    "course": f"On engines {house.spice}",
                },
                "EventStartUtc": "2026-01-31T12:00:00Z",
            }
            for number, learner in enumerate(LEARNERS)
        ],
    )
    await house.post(
        f"/programs/{PROGRAM}/eventSubs",
        {
            "PublisherProgramId": PUBLISHER,
            "SyncEnabled": True,
            "LbApiPayloadTemplate": TEMPLATE,
        },
    )
    await house.post("/api/processEvents", programId=PROGRAM)
    (sync,) = (await house.get(f"/api/programs/{PROGRAM}/syncs"))["items"]
    (event, *_) = published
    house.ids |= {"sync_id": sync["syncId"], "event_id": event["EventId"]}


async def _read_files(house: House) -> None:
    """Make sources, and let one of them read a file with rows that are wrong."""
    source = await house.post(
        f"/api/programs/{PROGRAM}/sources",
        {
            "name": f"Old LMS {house.spice}",
            "kind": "csv",
            "recipe": "csv-completions",
            "recipeOptions": {
                "columns": {"email": "E-mail", "course_uri": "Course", "completed_at": "Finished"}
            },
        },
    )
    hook = {"name": f"Hooks {house.spice}", "kind": "webhook", "recipe": "csv-completions"}
    hook |= {"signature": "github", "secret": "a secret of the sender"}
    await house.post(f"/api/programs/{PROGRAM}/sources", hook)
    path = f"/api/sources/{source['id']}/files"
    wrong = f'{ROWS}"{MARKUP.replace(chr(34), chr(34) * 2)}",,\n'
    answer = await house.stack.client.post(
        path, content=wrong.encode(), params={"name": f"january {house.spice}.csv"}
    )
    assert answer.is_success, answer.text
    file = answer.json()["fileId"]

    async def is_read() -> bool:
        return bool((await house.get(f"{path}/{file}"))["endedAt"])

    await until(is_read, within=PATIENCE, what="the end of the file")
    house.ids |= {"source_id": source["id"], "file_id": file}
