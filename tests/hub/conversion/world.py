"""A program with two integrations, its conversion, and workers that convert; on a moved clock."""

import json
from dataclasses import dataclass, field, replace

import fakeredis
from sqlalchemy import select

from delivery.control import Control
from delivery.facts.integration import IntegrationId
from delivery.intake import Intake as Door
from delivery.mails.alerts import MailRecords
from delivery.stores.headroom import Headroom
from delivery.stores.journal import Journal
from delivery.stores.keys import Keys
from delivery.stores.meters import Meters
from delivery.stores.parked import ParkedStatements
from delivery.stores.receipts import Receipts
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from hub.completions import Wordings
from hub.conversion.converter import Converter, Notices
from hub.conversion.making import Renderer
from hub.conversion.step import Stepping
from hub.conversion.telling import Telling
from hub.registry.clearing_house.conversion_steps import ConversionSteps
from hub.registry.clearing_house.event_completions import Conversion, EventCompletions
from hub.registry.clearing_house.events import Events
from hub.registry.parties.integrations import IntegrationRegistry
from hub.registry.parties.notices import NoticeKind
from hub.registry.parties.programs import Programs
from hub.registry.parties.providers import Provider, Providers
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLeases
from hub.registry.sql.tables import EventCompletionFailureRow
from hub.registry.trust.vault import Vault
from hub.taking import Intake, Taking
from hub.upkeep import Upkeep
from hub.xapi.completion import Completion, Skipped, express
from hub.xapi.rules import ActorId
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import FakeDoorbell
from tests.fakes.renderer import FakeRenderer
from tests.hub.api.conftest import RECEIPT_AGE
from tests.hub.registry.clearing_house.publishing import publish
from tests.hub.registry.examples import new_for

TEMPLATE = (
    '{"learner": {"email": "{{email}}", "ssoId": "{{sso}}"}, "course": {"uri": "{{course}}"}}'
)
COURSE = "https://acme.example/courses/1"
GOOD = json.dumps({"email": "ann@acme.example", "sso": "ann", "course": COURSE})
BAD = json.dumps({"course": COURSE})
BROKEN = json.dumps({"course": '"'})
MOST_QUEUED = 1000


@dataclass
class Mailbox:
    """What the contacts were told."""

    words: list[str] = field(default_factory=list)

    async def note(self, program_id: str, kind: NoticeKind, about: str, words: str) -> None:
        self.words.append(f"{program_id}: {words}")

    async def withdraw(self, program_id: str, kind: NoticeKind, about: str) -> None:
        self.words.append(f"{program_id}: all is well")


class World:
    """What all workers share, and what they are made of."""

    def __init__(self, database: Database, redis: fakeredis.FakeAsyncRedis) -> None:
        self.clock = FakeClock()
        self.database = database
        self.redis = redis
        self.mailbox = Mailbox()
        self.store = Store(redis)
        self.doorbell = FakeDoorbell()
        self.conversions = EventCompletions(database, self.clock)
        self.programs = Programs(database, Vault([b"k" * 32]), self.clock)
        self.providers = Providers(database, self.clock)
        self.integrations = IntegrationRegistry(database, Vault([b"k" * 32]), self.clock)
        self.control = Control(
            store=self.store,
            states=StatusStore(self.store, self.clock),
            receipts=Receipts(self.store),
            journal=Journal(self.store),
            parked_statements=ParkedStatements(self.store, self.clock, RECEIPT_AGE),
            mail_records=MailRecords(self.store),
            doorbell=self.doorbell,
            clock=self.clock,
            receipt_age=RECEIPT_AGE,
        )
        self.upkeep = Upkeep(self.integrations, self.control)
        self.lms = self.sso = IntegrationId("")

    async def furnish(self) -> None:
        """Make the program, two providers that know learners by different names, and convert."""
        await self.programs.create("ACME", "Acme", by="test")
        await self.programs.create("OTHER", "Other", by="test")
        await self.providers.create(Provider("lms", "An LMS"), by="test")
        await self.providers.create(Provider("sso", "By SSO", actor_id=ActorId.SSO), by="test")
        self.lms = await self.integrate("lms")
        self.clock.move(seconds=1)
        self.sso = await self.integrate("sso")
        await self.save(TEMPLATE)

    async def integrate(self, provider: str, program: str = "ACME") -> IntegrationId:
        """Make an integration, of which delivery has not heard yet."""
        made = await self.integrations.create(program, new_for(provider), by="test")
        return made.id

    async def save(self, template: str, program: str = "ACME") -> None:
        await self.conversions.save(program, template, by="test")

    async def publish(self, *event_ids: str, data: str = GOOD, program: str = "ACME") -> None:
        await publish(self.database, *event_ids, data=data, program=program)

    async def conversion(self, program: str = "ACME") -> Conversion:
        found = await self.conversions.find(program)
        assert found is not None
        return found

    async def failures(self) -> dict[str, str]:
        """Give the reasons of what was set aside, by event."""
        page = await self.conversions.failures("ACME", limit=500)
        return {one.event_id: one.reason for one in page.items}

    async def delete_event(self, event_id: str) -> None:
        await Events(self.database, self.clock).delete(event_id, by="test")

    async def rows_of_failures(self) -> int:
        async with self.database.read() as session:
            rows = await session.scalars(select(EventCompletionFailureRow.event_id))
            return len(rows.all())

    def intake(self, *, most: int = MOST_QUEUED) -> Door:
        return Door(
            self.store, Headroom(self.store), self.doorbell, Meters(self.store), self.clock, most
        )

    def worker(
        self,
        name: str = "worker-1",
        *,
        database: Database | None = None,
        intake: Intake | None = None,
        renderer: Renderer | None = None,
        notices: Notices | None = None,
    ) -> Converter:
        """Make a worker's converter, with what is to be its own."""
        database = database or self.database
        steps = ConversionSteps(database)
        integrations = IntegrationRegistry(database, Vault([b"k" * 32]), self.clock)
        telling = Telling(
            Wordings(integrations, Providers(database, self.clock)),
            Taking(intake or self.intake(), integrations, self.control),
        )
        return Converter(
            EventCompletions(database, self.clock),
            steps,
            Stepping(
                steps, Events(database, self.clock), renderer or FakeRenderer(), telling, self.clock
            ),
            notices or self.mailbox,
            SqlLeases(database, self.clock),
            self.clock,
            holder=name,
        )

    async def queued(self, integration_id: IntegrationId) -> list[str]:
        """Give the ids of the statements that wait, in order."""
        (entries,) = await self.store.ask(("XRANGE", Keys(integration_id).queue, "-", "+"))
        return [fields[b"i"].decode() for _, fields in entries]

    async def ids(self, integration_id: IntegrationId, *event_ids: str) -> list[str]:
        """Give the statement ids that these events have at an integration."""
        record = await self.integrations.find_record(integration_id)
        provider = record and await self.providers.find(record.provider)
        assert provider
        members = {"email": "ann@acme.example", "ssoId": "ann"}
        said = [
            express(
                Completion.model_validate(
                    {
                        "id": event_id,
                        "learner": members,
                        "course": {"uri": COURSE},
                        "completedAt": "2026-03-02T09:00:00Z",
                    }
                ),
                replace(provider.rules),
                integration_id,
            )
            for event_id in event_ids
        ]
        return [str(one.id) for one in said if not isinstance(one, Skipped)]
