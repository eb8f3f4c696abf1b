"""A sync posts what is new, once; and what it could not post, it holds."""

from datetime import timedelta

import pytest

from hub.errors import NoLearningBuilder, SyncRunning, UnknownProgram
from hub.registry.clearing_house.sync_batches import BatchState
from hub.registry.clearing_house.syncs import SyncState, Trigger
from hub.sync.gathering import Bounds
from hub.sync.report import FailureKind
from hub.sync.synchronizer import Order
from tests.hub.sync.trouble import Meanwhile
from tests.hub.sync.world import PROGRAM, TEMPLATE, World, a_template, names_of


async def test_new_events_are_posted_once_for_each_publisher_and_process(world: World) -> None:
    one = await world.publish("ONE", "COURSE", "WORK", "COURSE")
    two = await world.publish("TWO", "COURSE")

    report = await world.sync()

    assert report.sync.state is SyncState.SUCCEEDED
    assert not report.failures
    assert [(b.import_process_id, b.rows) for b in world.imported()] == [
        ("1", 2),
        ("2", 1),
        ("1", 1),
    ]
    assert world.numbers() == [one[0], one[2], one[1], two[0]]
    assert await world.cursor("ONE") == await world.cursor("TWO") == report.sync.until
    assert [batch.queue_batch_id for batch in report.batches] == ["batch-1", "batch-2", "batch-3"]
    assert all(batch.creation_path == "LH" for batch in world.imported())


async def test_a_second_sync_posts_only_what_is_new(world: World) -> None:
    await world.publish("ONE", "COURSE")
    await world.sync()
    new = await world.publish("ONE", "COURSE")

    report = await world.sync()

    assert world.numbers()[1:] == new
    assert (report.sync.events, report.sync.ignored) == (1, 0)


async def test_nothing_new_is_no_batch_and_no_failure(world: World) -> None:
    before_any = await world.sync()
    await world.publish("ONE", "COURSE")
    await world.sync()

    report = await world.sync()

    assert (list(before_any.batches), list(report.batches)) == ([], [])
    assert before_any.sync.state is report.sync.state is SyncState.SUCCEEDED
    assert len(world.imported()) == 1


async def test_ignored_events_are_counted_and_passed(world: World) -> None:
    await world.publish("ONE", "OTHER", None, "COURSE", "OTHER")

    report = await world.sync()

    assert (report.sync.events, report.sync.ignored) == (4, 3)
    assert len(world.rows()) == 1
    assert await world.cursor("ONE") == report.sync.until


async def test_a_subscription_that_is_switched_off_stays_where_it_is(world: World) -> None:
    await world.publish("ONE", "COURSE")
    await world.change("ONE", sync_enabled=False)

    await world.sync()

    assert world.rows() == []
    assert await world.cursor("ONE") is None


async def test_batches_are_bounded_in_rows_and_their_names_tell_their_windows(
    world: World,
) -> None:
    numbers = await world.publish("ONE", *["COURSE"] * 12)

    report = await world.sync()

    assert [batch.rows for batch in world.imported()] == [5, 5, 2]
    assert world.numbers() == numbers
    assert len(set(names_of(world.imported()))) == 3
    assert all(
        name.startswith("ACME from ONE, process 1, 2026-03-02 09.00.00.")
        for name in names_of(world.imported())
    )
    assert not any(batch.repeated for batch in report.batches)


async def test_batches_are_bounded_in_bytes(world: World) -> None:
    world.bounds = Bounds(rows=1000, bytes=30)
    await world.publish("ONE", *["COURSE"] * 10)

    await world.sync()

    # {"n": 1} is 8 bytes, {"n": 10} is 9.
    assert [batch.rows for batch in world.imported()] == [3, 3, 3, 1]


async def test_many_processes_together_are_bounded_in_bytes(world: World) -> None:
    world.bounds = Bounds(rows=1000, bytes=1000, bytes_in_all=24)
    await world.publish("ONE", "COURSE", "COURSE", "WORK", "WORK")

    await world.sync()

    assert [(b.import_process_id, b.rows) for b in world.imported()] == [("1", 2), ("2", 2)]


async def test_what_is_published_while_a_sync_runs_waits_for_the_next(world: World) -> None:
    first = await world.publish("ONE", "COURSE")
    world.renderer = Meanwhile(world.renderer, lambda: world.publish("ONE", "COURSE"))

    report = await world.sync()

    assert world.numbers() == first
    assert await world.cursor("ONE") == report.sync.until == await world.moment("ONE", first[0])


@pytest.mark.parametrize(
    ("wish", "state", "kind"),
    [
        (400, BatchState.REFUSED, FailureKind.REFUSED),
        (401, BatchState.REFUSED, FailureKind.REFUSED),
        (302, BatchState.REFUSED, FailureKind.REFUSED),
        (429, BatchState.UNREACHED, FailureKind.UNREACHED),
        (500, BatchState.UNKNOWN, FailureKind.UNKNOWN),
        (503, BatchState.UNKNOWN, FailureKind.UNKNOWN),
        ("silent", BatchState.UNKNOWN, FailureKind.SILENT),
        ("reset", BatchState.UNKNOWN, FailureKind.SILENT),
        ("apply_then_503", BatchState.UNKNOWN, FailureKind.UNKNOWN),
        ("apply_then_reset", BatchState.UNKNOWN, FailureKind.SILENT),
    ],
)
async def test_what_is_not_accepted_holds_the_cursor_and_comes_next_time(
    world: World, wish: object, state: BatchState, kind: FailureKind
) -> None:
    numbers = await world.publish("ONE", "COURSE", "COURSE")
    world.sandbox.change({"batches": wish})

    failed = await world.sync()
    cursor = await world.cursor("ONE")
    applied = list(world.rows())
    world.sandbox.change({"batches": "ok"})
    mended = await world.sync()

    assert failed.sync.state is SyncState.FAILED
    assert [(b.state, b.rows) for b in failed.batches] == [(state, 2)]
    assert [failure.kind for failure in failed.failures] == [kind]
    assert cursor is None
    assert mended.sync.state is SyncState.SUCCEEDED
    (batch,) = mended.batches
    assert batch.repeated is (state is BatchState.UNKNOWN)
    assert batch.file_name == failed.batches[0].file_name
    assert world.numbers() == [row.n for row in applied] + numbers
    assert await world.cursor("ONE") == mended.sync.until


async def test_the_third_batch_refused_holds_only_its_process_behind_it(world: World) -> None:
    courses = await world.publish("ONE", *["COURSE"] * 12)
    works = await world.publish("ONE", "WORK")
    others = await world.publish("TWO", "COURSE")
    world.sandbox.change({"refuseBatches": [2]})

    failed = await world.sync()

    assert world.numbers() == courses[:5] + works + others
    assert await world.cursor("ONE") == await world.moment("ONE", courses[4])
    assert await world.cursor("TWO") == failed.sync.until

    world.sandbox.change({"refuseBatches": []})
    mended = await world.sync()

    assert world.numbers() == courses[:5] + works + others + courses[5:]
    assert await world.cursor("ONE") == mended.sync.until
    assert not any(batch.repeated for batch in mended.batches)


async def test_what_was_accepted_beyond_the_cursor_is_left_out_whatever_the_templates_say(
    world: World,
) -> None:
    courses = await world.publish("ONE", *["COURSE"] * 6)
    works = await world.publish("ONE", "WORK")
    world.sandbox.change({"refuseBatches": [1]})
    await world.sync()
    assert world.numbers() == works

    world.sandbox.change({"refuseBatches": []})
    await world.change("ONE", template=a_template(COURSE=9, WORK=9))
    await world.sync()

    assert world.numbers() == works + courses
    assert {row.import_process_id for row in world.rows()} == {"2", "9"}


async def test_an_unknown_batch_is_repeated_alone_before_what_came_after_it(world: World) -> None:
    first = await world.publish("ONE", "COURSE", "COURSE")
    world.sandbox.change({"batches": {"mode": "apply_then_reset", "times": 1}})
    await world.sync()
    later = await world.publish("ONE", "COURSE")

    report = await world.sync()

    assert [batch.rows for batch in world.imported()] == [2, 2, 1]
    assert world.numbers() == first + first + later
    assert [batch.repeated for batch in report.batches] == [True, False]
    names = names_of(world.imported())
    assert names[0] == names[1] != names[2]


async def test_events_deleted_meanwhile_are_not_repeated(world: World) -> None:
    first, second, third = await world.publish("ONE", "COURSE", "COURSE", "WORK")
    world.sandbox.change({"batches": 500})
    await world.sync()
    world.sandbox.change({"batches": "ok"})
    await world.events.delete(f"ONE-{first}", by="test")
    await world.events.delete(f"ONE-{third}", by="test")

    report = await world.sync()

    assert world.numbers() == [second]
    assert report.sync.state is SyncState.SUCCEEDED
    assert await world.cursor("ONE") == report.sync.until
    assert await world.batches.doubtful(PROGRAM, "ONE") == []


async def test_templates_that_send_doubtful_events_elsewhere_still_mark_them_as_repeated(
    world: World,
) -> None:
    numbers = await world.publish("ONE", "COURSE", "WORK", "COURSE")
    world.sandbox.change({"batches": {"mode": "apply_then_503", "times": 1}})
    await world.sync()
    await world.change("ONE", template=a_template(COURSE=7, WORK=2))

    report = await world.sync()

    assert [(b.import_process_id, b.repeated) for b in report.batches] == [("7", True)]
    assert world.numbers() == [numbers[0], numbers[2], numbers[1], numbers[0], numbers[2]]
    assert await world.cursor("ONE") == report.sync.until
    assert await world.batches.doubtful(PROGRAM, "ONE") == []


async def test_a_template_that_fails_stops_before_its_event_and_names_it(world: World) -> None:
    before = await world.publish("ONE", "COURSE", "WORK")
    (bad,) = await world.publish("ONE", "WORK", data='{"n": "not a number"}')
    await world.publish("ONE", "COURSE")
    others = await world.publish("TWO", "COURSE")

    report = await world.sync()

    assert world.numbers() == before + others
    (failure,) = report.failures
    assert failure.kind is FailureKind.TEMPLATE
    assert (failure.publisher, failure.event_id) == ("ONE", f"ONE-{bad}")
    assert (failure.template, failure.line, failure.column) == ("WORK", 1, 1)
    assert await world.cursor("ONE") == await world.moment("ONE", before[1])
    assert await world.cursor("TWO") == report.sync.until
    assert report.sync.state is SyncState.FAILED


async def test_a_failing_last_event_does_not_let_the_cursor_pass(world: World) -> None:
    await world.publish("ONE", "WORK", data='{"n": "x"}')

    report = await world.sync()

    assert await world.cursor("ONE") is None
    assert [failure.kind for failure in report.failures] == [FailureKind.TEMPLATE]


async def test_a_template_that_fails_on_a_doubtful_batch_leaves_it_doubtful(world: World) -> None:
    before = await world.publish("ONE", "WORK")
    numbers = await world.publish("ONE", "COURSE", "COURSE")
    after = await world.publish("ONE", "WORK")
    world.sandbox.change({"refuseBatches": [], "batches": {"mode": "apply_then_503", "times": 1}})
    # The first batch that goes is the one whose oldest event is the oldest.
    await world.sync()
    assert world.numbers() == before + after + numbers
    await world.change("ONE", template='{"WORK": {"importProcessId": 2, "batchRowTemplate": "x"}}')

    failed = await world.sync()

    assert [failure.kind for failure in failed.failures] == [FailureKind.TEMPLATE]
    assert await world.cursor("ONE") is None
    assert len(await world.batches.doubtful(PROGRAM, "ONE")) == 1

    await world.change("ONE", template=TEMPLATE)
    mended = await world.sync()

    assert world.twice() == {*before, *after}
    assert mended.sync.state is SyncState.SUCCEEDED
    assert [batch.repeated for batch in mended.batches] == [True]


async def test_a_stored_template_that_cannot_be_read_fails_only_its_publisher(
    world: World,
) -> None:
    await world.publish("ONE", "COURSE")
    others = await world.publish("TWO", "COURSE")
    await world.change("ONE", template="[]")

    report = await world.sync()

    assert world.numbers() == others
    assert [(one.kind, one.publisher) for one in report.failures] == [(FailureKind.TEMPLATE, "ONE")]


async def test_setting_the_cursor_back_sends_everything_after_it_again(world: World) -> None:
    numbers = await world.publish("ONE", "COURSE", "WORK", "COURSE")
    await world.sync()
    await world.change("ONE", last_sync_at=await world.moment("ONE", numbers[0]))

    report = await world.sync()

    assert world.numbers()[3:] == [numbers[1], numbers[2]]
    assert await world.cursor("ONE") == report.sync.until


async def test_setting_the_cursor_back_forgets_what_was_accepted_beyond_it(world: World) -> None:
    numbers = await world.publish("ONE", "COURSE", "WORK")
    world.sandbox.change({"refuseBatches": [1]})
    await world.sync()
    assert world.numbers() == [numbers[1]]
    epoch = await world.moment("ONE", numbers[0]) - timedelta(days=1)

    await world.change("ONE", last_sync_at=epoch)
    await world.change("ONE", last_sync_at=None)
    await world.sync()

    assert world.numbers() == [numbers[1], *numbers]


async def test_setting_the_cursor_forward_skips_and_repeats_nothing(world: World) -> None:
    poison, work, course = await world.publish("ONE", "COURSE", "WORK", "COURSE")
    world.sandbox.change({"refuseBatches": [1]})
    await world.sync()
    world.sandbox.change({"refuseBatches": []})
    await world.change("ONE", last_sync_at=await world.moment("ONE", poison))

    await world.sync()

    assert world.numbers() == [work, course]


async def test_one_program_is_synced_once_at_a_time(world: World) -> None:
    await world.publish("ONE", "COURSE")
    held = await world.leases.take(f"sync/{PROGRAM}", timedelta(seconds=30), holder="another")
    assert held is not None

    with pytest.raises(SyncRunning):
        await world.sync()
    assert world.rows() == []

    await world.leases.release(held)
    await world.sync()
    assert len(world.rows()) == 1


@pytest.mark.parametrize("missing", ["LbApiUrl", "LbApiKey"])
async def test_a_program_without_a_learning_builder_is_not_synced(
    world: World, missing: str
) -> None:
    await world.programs.create(
        "BARE",
        "Bare",
        lb_api_url=None if missing == "LbApiUrl" else "https://lb.example",
        lb_api_key=None if missing == "LbApiKey" else "key",
        by="test",
    )

    with pytest.raises(NoLearningBuilder, match=f"has no {missing}$"):
        await world.synchronizer().run(Order("BARE", Trigger.CALL, "test"))


async def test_a_program_that_is_not_there_is_not_synced(world: World) -> None:
    with pytest.raises(UnknownProgram):
        await world.synchronizer().run(Order("NONE", Trigger.CALL, "test"))


async def test_a_run_that_is_asked_to_stop_posts_nothing_more(world: World) -> None:
    numbers = await world.publish("ONE", *["COURSE"] * 12)
    order = Order(PROGRAM, Trigger.CALL, "test")

    cut = await world.synchronizer().run(
        order, asked_to_stop=lambda: bool(world.sandbox.imports.batches())
    )

    assert cut.sync.state is SyncState.CUT_SHORT
    assert world.numbers() == numbers[:5]
    assert await world.cursor("ONE") == await world.moment("ONE", numbers[4])

    await world.sync()
    assert world.numbers() == numbers


async def test_contacts_hear_what_fails_until_it_no_longer_does(world: World) -> None:
    await world.publish("ONE", "COURSE")
    await world.publish("TWO", "COURSE")
    world.sandbox.change({"refuseBatches": [1]})

    await world.sync()
    told = dict(world.notes.kept)
    world.sandbox.change({"refuseBatches": []})
    await world.sync()

    assert list(told) == ["ONE"]
    assert told["ONE"].startswith("Events of ONE are not imported: LearningBuilder refused")
    assert world.notes.kept == {}


async def test_the_key_of_learning_builder_is_kept_nowhere(world: World) -> None:
    await world.publish("ONE", "COURSE")
    world.sandbox.change({"batches": {"mode": "status", "status": 400, "body": "sandbox-lb-key!"}})

    report = await world.sync()

    assert "sandbox-lb-key" not in repr(report)
    assert report.batches[0].answer == "HTTP 400: ***!"
