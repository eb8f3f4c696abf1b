"""The decisions of a sync, as tables."""

from datetime import UTC, datetime, timedelta

import pytest

from delivery.facts.outcome import Answer, Failure, NoAnswer, Reply
from hub.registry.clearing_house.nights import Due
from hub.registry.clearing_house.sync_batches import BatchState
from hub.registry.sql.moments import Moments, micros_of, moment_of
from hub.sync.file_name import file_name
from hub.sync.frontier import Frontier, Place
from hub.sync.gathering import Bounds, GatheredRow, Gathering
from hub.sync.nightly_syncs import next_attempt
from hub.sync.pages import BYTES_IN_PAGE, FIRST_PAGE, LARGEST_PAGE, next_limit
from hub.sync.verdict import is_silence, judge

T = [datetime(2026, 3, 2, 9, 0, 0, n, tzinfo=UTC) for n in range(10)]
NO_TIME = timedelta()


def an_answer(status: int, body: str = "") -> Answer:
    return Answer(status, body, NO_TIME)


def no_answer(failure: Failure) -> NoAnswer:
    return NoAnswer(failure, "why", NO_TIME)


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (an_answer(200), BatchState.ACCEPTED),
        (an_answer(201), BatchState.ACCEPTED),
        (an_answer(204), BatchState.ACCEPTED),
        (an_answer(301), BatchState.REFUSED),
        (an_answer(307), BatchState.REFUSED),
        (an_answer(400), BatchState.REFUSED),
        (an_answer(401), BatchState.REFUSED),
        (an_answer(404), BatchState.REFUSED),
        (an_answer(413), BatchState.REFUSED),
        (an_answer(408), BatchState.UNKNOWN),
        (an_answer(429), BatchState.UNREACHED),
        (an_answer(500), BatchState.UNKNOWN),
        (an_answer(502), BatchState.UNKNOWN),
        (an_answer(503), BatchState.UNKNOWN),
        (no_answer(Failure.TIMEOUT), BatchState.UNKNOWN),
        (no_answer(Failure.CONNECTION_RESET), BatchState.UNKNOWN),
        (no_answer(Failure.TLS), BatchState.UNKNOWN),
        (no_answer(Failure.PROTOCOL), BatchState.UNKNOWN),
        (no_answer(Failure.NAME_NOT_FOUND), BatchState.UNREACHED),
        (no_answer(Failure.CONNECTION_REFUSED), BatchState.UNREACHED),
        (no_answer(Failure.ADDRESS_REFUSED), BatchState.REFUSED),
    ],
)
def test_what_a_reply_means(reply: Reply, state: BatchState) -> None:
    answer = judge(reply)

    assert answer.state is state
    assert is_silence(answer) is (state is BatchState.UNKNOWN and isinstance(reply, NoAnswer))


def test_every_failure_has_a_meaning() -> None:
    assert all(judge(no_answer(failure)).answer == f"{failure}: why" for failure in Failure)


@pytest.mark.parametrize(
    ("body", "batch_id", "details"),
    [
        ('{"queueBatchId": "a-1", "queueBatchDetails": "https://x"}', "a-1", "https://x"),
        ('{"queueBatchId": 17}', "17", None),
        ('{"queueBatchId": true, "queueBatchDetails": {}}', None, None),
        ('{"queueBatchId": null}', None, None),
        ('{"queueBatchId": "a\\u0000b\\ud800"}', "a\ufffdb?", None),
        ("[]", None, None),
        ("", None, None),
        ("<html>", None, None),
        ("[" * 100_000, None, None),
        (f'{{"queueBatchId": "{"x" * 500}"}}', "x" * 200, None),
    ],
)
def test_a_receipt_is_read_as_far_as_it_makes_sense(
    body: str, batch_id: str | None, details: str | None
) -> None:
    answer = judge(an_answer(200, body))

    assert answer.state is BatchState.ACCEPTED
    assert (answer.queue_batch_id, answer.queue_batch_details) == (batch_id, details)


def test_an_answer_is_kept_as_every_database_can_hold_it() -> None:
    answer = judge(an_answer(200, "\0" + "x" * 9000))

    assert answer.answer == "\ufffd" + "x" * 1999


@pytest.mark.parametrize(
    ("left", "waiting", "cursor"),
    [
        # Events 2, 4, 6 were read after cursor 1; the window ends at 9.
        ([], None, 9),
        ([], 2, 1),
        ([], 4, 2),
        ([], 6, 4),
        ([2], None, 1),
        ([6], None, 4),
        ([6, 4], None, 2),
        ([4], 6, 2),
        ([6], 4, 2),
        ([2], 6, 1),
    ],
)
def test_the_cursor_goes_to_the_last_event_before_an_unsettled_one(
    left: list[int], waiting: int | None, cursor: int
) -> None:
    frontier = Frontier(T[1])
    places = {n: frontier.step(T[n]) for n in (2, 4, 6)}
    frontier.end(T[9])
    for n in left:
        frontier.leave(places[n])

    assert frontier.cursor(places[waiting] if waiting else None) == T[cursor]


def test_a_window_that_was_not_read_to_its_end_settles_what_was_read() -> None:
    frontier = Frontier(T[1])
    frontier.step(T[2])

    assert frontier.cursor(None) == T[2]


def test_a_cursor_that_never_was_stays_so_before_the_first_unsettled_event() -> None:
    frontier = Frontier(None)
    frontier.leave(frontier.step(T[2]))
    frontier.end(T[9])

    assert frontier.cursor(None) is None
    assert Frontier(None).cursor(None) is None


def gather(bounds: Bounds, *rows: tuple[str, str]) -> list[tuple[str, int]]:
    """Gather rows of processes; give what went out, as process and rows."""
    gathering = Gathering(bounds)
    out = []
    for n, (process, text) in enumerate(rows):
        full = gathering.add(process, GatheredRow(Place(T[n], None), text))
        out.extend([full] if full else [])
    while rest := gathering.rest():
        out.append(rest)
    assert gathering.first() is None
    return [(parcel.import_process_id, len(parcel.rows)) for parcel in out]


@pytest.mark.parametrize(
    ("bounds", "rows", "out"),
    [
        (Bounds(), [], []),
        (Bounds(), [("1", "x"), ("2", "x"), ("1", "x")], [("1", 2), ("2", 1)]),
        (Bounds(), [("2", "x"), ("1", "x")], [("2", 1), ("1", 1)]),
        (Bounds(rows=2), [("1", "x")] * 5, [("1", 2), ("1", 2), ("1", 1)]),
        (Bounds(bytes=4), [("1", "xx")] * 3, [("1", 2), ("1", 1)]),
        (Bounds(bytes=4), [("1", "xxx")] * 3, [("1", 1), ("1", 1), ("1", 1)]),
        (Bounds(bytes=4), [("1", "xxxxxxx")] * 2, [("1", 1), ("1", 1)]),
        (Bounds(bytes=4), [("1", "x"), ("1", "xxxxxxx"), ("1", "x")], [("1", 1)] * 3),
        (Bounds(bytes=4), [("1", "ää"), ("1", "x")], [("1", 1), ("1", 1)]),
        (
            Bounds(bytes=9, bytes_in_all=5),
            [("1", "x"), ("2", "xxxx"), ("1", "x")],
            [("2", 1), ("1", 2)],
        ),
    ],
)
def test_rows_are_gathered_until_a_bound(
    bounds: Bounds, rows: list[tuple[str, str]], out: list[tuple[str, int]]
) -> None:
    assert gather(bounds, *rows) == out


def test_a_parcel_with_one_doubtful_row_is_doubtful() -> None:
    gathering = Gathering(Bounds(rows=2))
    gathering.add("1", GatheredRow(Place(T[1], None), "x", doubtful=True))
    parcel = gathering.add("1", GatheredRow(Place(T[2], T[1]), "y"))

    assert parcel is not None
    assert (parcel.doubtful, parcel.moments, parcel.first) == (
        True,
        [T[1], T[2]],
        Place(T[1], None),
    )


def test_a_file_name_tells_what_a_batch_is_and_is_not_too_long() -> None:
    name = file_name("ACME", "PUB", "42", first=T[1], last=T[2])
    longest = file_name("A" * 25, "P" * 25, "7" * 100, first=T[1], last=T[2])

    assert name == (
        "ACME from PUB, process 42, 2026-03-02 09.00.00.000001 to 2026-03-02 09.00.00.000002 UTC"
    )
    assert len(longest) <= 255


@pytest.mark.parametrize(
    ("limit", "size", "following"),
    [
        (FIRST_PAGE, 0, FIRST_PAGE * 2),
        (FIRST_PAGE, 1000, FIRST_PAGE * 2),
        (LARGEST_PAGE, 1000, LARGEST_PAGE),
        (100, BYTES_IN_PAGE, 100),
        (100, BYTES_IN_PAGE * 2, 50),
        (100, BYTES_IN_PAGE * 1000, 1),
        (1, BYTES_IN_PAGE * 5, 1),
        (1, BYTES_IN_PAGE // 8, 2),
    ],
)
def test_large_events_are_read_few_at_a_time(limit: int, size: int, following: int) -> None:
    assert next_limit(limit, size) == following


@pytest.mark.parametrize(
    ("now", "may_pass", "following"),
    [
        ("2026-03-02T02:31Z", False, "2026-03-03T02:30Z"),
        ("2026-03-02T02:31Z", True, "2026-03-02T02:46Z"),
        ("2026-03-03T02:20Z", True, "2026-03-03T02:30Z"),
        ("2026-03-03T02:30Z", True, "2026-03-03T02:45Z"),
    ],
)
def test_when_a_night_is_tried_again(now: str, may_pass: bool, following: str) -> None:  # noqa: FBT001
    due = Due("ACME", T[0], "02:30", "UTC")

    assert next_attempt(
        due, datetime.fromisoformat(now), may_pass=may_pass
    ) == datetime.fromisoformat(following)


def test_moments_are_exact_in_little_room() -> None:
    moments = Moments([[micros_of(T[3]), micros_of(T[1])], None, [micros_of(T[2])]])

    assert [moment for moment in T if moment in moments] == T[1:4]
    assert len(moments) == 3
    assert all(moment_of(micros_of(moment)) == moment for moment in T)
