"""The sync of a program: one run at a time, under a lease, its window taken first.

A crash leaves a run that is still `running`, and perhaps a batch that is still `sending`. The next
run, which begins as soon as the lease has lapsed, closes the one and repeats the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from delivery.facts.counting import Counting, Uncounted
from hub.errors import (
    LeaseLost,
    NoLearningBuilder,
    RegistryUnavailable,
    SyncRunning,
    UnknownProgram,
)
from hub.registry.clearing_house.nights import Due
from hub.registry.clearing_house.subscriptions import Subscription, Subscriptions
from hub.registry.clearing_house.syncs import Sync, Syncs, SyncState, Trigger
from hub.registry.parties.programs import Programs
from hub.registry.sql.clock import Clock
from hub.registry.sql.leases import SqlLease, SqlLeases
from hub.sync.learning_builder import Account
from hub.sync.lease import holding
from hub.sync.publisher_part import Tools, sync_publisher
from hub.sync.report import MOST_FAILURES, Failure, FailureKind, SyncReport
from hub.sync.run import Run, Tally
from hub.sync.telling import Telling
from hub.templates.fault import BadTemplate
from hub.templates.template_map import parse

STOPPED = "the sync was stopped before its end; the next one goes on from there"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Order:
    """What makes a run: who asks, by what, and which night it is, if any."""

    program_id: str
    trigger: Trigger
    by: str
    due: Due | None = None


class Synchronizer:
    """Runs syncs."""

    def __init__(
        self,
        *,
        programs: Programs,
        subscriptions: Subscriptions,
        leases: SqlLeases,
        syncs: Syncs,
        tools: Tools,
        telling: Telling,
        clock: Clock,
        name: str,
        meters: Counting | None = None,
    ) -> None:
        self._meters = meters or Uncounted()
        self._programs = programs
        self._subscriptions = subscriptions
        self._leases = leases
        self._syncs = syncs
        self._tools = tools
        self._telling = telling
        self._clock = clock
        self._name = name

    async def run(
        self,
        order: Order,
        *,
        asked_to_stop: Callable[[], bool] = lambda: False,
        tell: Callable[[Tally], None] = lambda _: None,
        begun: Callable[[Sync], None] = lambda _: None,
    ) -> SyncReport:
        """Run a sync to its end, however that is.

        `begun` hears of it when it is written down, `tell` from time to time how far it is. Raises
        SyncRunning, also if another took the night up; NoLearningBuilder, UnknownProgram; and
        LeaseLost, RegistryUnavailable, or what the renderer raises, after which the next run goes
        on where this one was.
        """
        account = await self._account(order.program_id)
        async with holding(self._leases, order.program_id, holder=self._name) as lease:
            until = await self._tools.events.latest()
            sync = await self._begin(lease, order, until)
            if sync is None:
                raise SyncRunning(f"the night of program {order.program_id} was taken up")
            begun(sync)
            run = Run(
                id=sync.id,
                program_id=order.program_id,
                lease=lease,
                account=account,
                until=sync.until,
                asked_to_stop=asked_to_stop,
                tell=tell,
            )
            publishers = []
            try:
                if until is not None:
                    publishers = await self._sync_all(run)
            except LeaseLost:
                log.warning("sync.overtaken", sync=run.id, program=run.program_id)
                raise
            except BaseException as error:
                await self._give_up(run, error)
                raise
            report = await self._close(run)
        await self._tell_contacts(report, publishers)
        return report

    async def _account(self, program_id: str) -> Account:
        program = await self._programs.find(program_id)
        if program is None:
            raise UnknownProgram(f"no program {program_id}")
        key = await self._programs.lb_api_key(program_id)
        missing = [
            name
            for name, value in (("LbApiUrl", program.lb_api_url), ("LbApiKey", key))
            if not value
        ]
        if missing or not program.lb_api_url or not key:
            raise NoLearningBuilder(
                f"program {program_id} cannot be synced: it has no {' and no '.join(missing)}"
            )
        return Account(program.lb_api_url, key)

    async def _begin(self, lease: SqlLease, order: Order, until: datetime | None) -> Sync | None:
        return await self._syncs.begin(
            lease,
            order.program_id,
            trigger=order.trigger,
            by=order.by,
            until=until,
            due=order.due,
        )

    async def _sync_all(self, run: Run) -> list[str]:
        """Sync each subscription that is switched on; tell of which publishers."""
        found = await self._subscriptions.list(run.program_id)
        enabled = [one for one in found if one.sync_enabled]
        for subscription in enabled:
            if run.is_stopping():
                break
            await self._sync(run, subscription)
        return [one.publisher_program_id for one in enabled]

    async def _sync(self, run: Run, subscription: Subscription) -> None:
        try:
            templates = parse(subscription.template)
        except BadTemplate as error:
            publisher = subscription.publisher_program_id
            run.failures.append(Failure(FailureKind.TEMPLATE, str(error), publisher=publisher))
            return
        await sync_publisher(run, subscription, templates, self._tools)

    async def _give_up(self, run: Run, error: BaseException) -> None:
        """Close a run that broke off; if that fails too, the next run does it."""
        run.was_stopped = True
        log.warning("sync.broken_off", sync=run.id, program=run.program_id, error=repr(error))
        try:
            await self._close(run)
        except (LeaseLost, RegistryUnavailable) as another:
            log.warning("sync.not_closed", sync=run.id, error=str(another))

    async def _close(self, run: Run) -> SyncReport:
        if run.was_stopped:
            run.failures.append(Failure(FailureKind.CUT_SHORT, STOPPED))
        sync = await self._syncs.close(
            run.lease,
            run.id,
            _end_of(run),
            events=run.tally.events,
            ignored=run.tally.ignored,
            errors=[failure.as_json() for failure in run.failures[:MOST_FAILURES]],
        )
        batches = await self._tools.batches.of_sync(run.id)
        self._meters.count("syncs", sync.state.value)
        self._meters.count("sync_rows", by=run.tally.rows)
        log.info(
            "sync.closed",
            sync=run.id,
            program=run.program_id,
            trigger=sync.trigger.value,
            state=sync.state.value,
            events=run.tally.events,
            ignored=run.tally.ignored,
            rows=run.tally.rows,
            batches=run.tally.batches,
            failures=len(run.failures),
            seconds=round((self._clock() - sync.started_at).total_seconds(), 3),
        )
        return SyncReport(sync, batches, tuple(run.failures))

    async def _tell_contacts(self, report: SyncReport, publishers: list[str]) -> None:
        try:
            await self._telling.tell(report, publishers)
        except RegistryUnavailable as error:
            # What failed still fails in the next run, which tells it then.
            log.warning("sync.not_told", sync=report.sync.id, error=str(error))


def _end_of(run: Run) -> SyncState:
    if run.was_stopped:
        return SyncState.CUT_SHORT
    return SyncState.FAILED if run.failures else SyncState.SUCCEEDED
