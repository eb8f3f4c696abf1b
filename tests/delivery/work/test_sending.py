"""One window on its way: what is sent, in which order, and what is told of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from delivery.facts.errors import StoreUnavailable
from delivery.facts.outcome import (
    Accepted,
    Answer,
    Failure,
    IntegrationRefused,
    NoAnswer,
    Outcome,
    Reply,
    StatementRefused,
    TooMuch,
    Unavailable,
)
from delivery.facts.statement import Queued, StatementId
from delivery.stores.sent import Sent
from delivery.work.sending import Parcel, Sending, halves, name, pack, weight
from tests.fakes.clock import FakeClock
from tests.fakes.registry import an_integration
from tests.fakes.scripted import OK, TOOK, ScriptedLrs, ScriptedTokens

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GONE = Answer(503, "closed", TOOK)


def queued(number: int, *, size: int = 10, tried: bool = False) -> Queued:
    """Make a statement whose body is its number, so many bytes long."""
    return Queued(
        lane="queue",
        place=f"{number}-0",
        id=StatementId(str(number)),
        body=str(number).rjust(size).encode(),
        digest="d",
        accepted_at=AT,
        tried=tried,
    )


def window(count: int, *, size: int = 10) -> list[Queued]:
    return [queued(number, size=size) for number in range(count)]


def names(parcels: Sequence[Parcel]) -> list[list[str]]:
    return [[one.id for one in parcel] for parcel in parcels]


def numbers(requests: Sequence[Sequence[bytes]]) -> list[list[int]]:
    """Give the statements of each request by their numbers."""
    return [[int(body) for body in request] for request in requests]


async def send(
    lrs: ScriptedLrs,
    statements: Sequence[Queued],
    *,
    tokens: ScriptedTokens | None = None,
    largest: int | None = None,
    **changes: object,
) -> Sent:
    sending = Sending(
        lrs, tokens or ScriptedTokens(), FakeClock(), an_integration("acme", **changes)
    )
    return await sending.send(statements, largest=largest)


@pytest.mark.parametrize(
    ("sizes", "count", "size", "expected"),
    [
        ([], 5, None, []),
        ([10], 5, None, [1]),
        ([10] * 7, 3, None, [3, 3, 1]),
        ([10] * 3, 1, None, [1, 1, 1]),
        ([10] * 5, 50, 25, [2, 2, 1]),
        ([10] * 4, 50, 20, [2, 2]),
        ([30, 10, 10], 50, 20, [1, 2]),
        ([10, 30, 10], 50, 20, [1, 1, 1]),
        ([10] * 6, 2, 100, [2, 2, 2]),
    ],
)
def test_a_window_is_cut_by_count_and_by_bytes(
    sizes: list[int], count: int, size: int | None, expected: list[int]
) -> None:
    statements = [queued(n, size=s) for n, s in enumerate(sizes)]

    parcels = list(pack(statements, count=count, size=size))

    assert [len(parcel) for parcel in parcels] == expected
    assert [one for parcel in parcels for one in parcel] == statements


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([10, 10], [1, 1]),
        ([10, 10, 10], [2, 1]),
        ([10] * 8, [4, 4]),
        ([90, 10, 10], [1, 2]),
        ([10, 10, 90], [2, 1]),
        ([0, 0, 0], [1, 2]),
    ],
)
def test_a_batch_is_cut_near_the_middle_of_its_bytes(sizes: list[int], expected: list[int]) -> None:
    statements = [
        Queued("queue", f"{n}-0", StatementId(str(n)), b"x" * size, "d", AT, tried=False)
        for n, size in enumerate(sizes)
    ]

    first, second = halves(statements)

    assert [len(first), len(second)] == expected
    assert [*first, *second] == statements
    assert weight(first) + weight(second) == sum(sizes)


@pytest.mark.parametrize("guilty", range(50))
async def test_whichever_of_fifty_is_guilty_few_requests_find_it(guilty: int) -> None:
    lrs = ScriptedLrs(lambda sent: Answer(400, "no", TOOK) if b"%d" % guilty in sent else OK)

    sent = await send(lrs, window(50), batch_size=50)

    refused = [request for request in numbers(lrs.requests) if guilty in request]
    assert len(refused) <= 7
    assert [s.queued.id for s in sent.settled if s.reason] == [str(guilty)]
    assert len(sent.settled) == 50


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Accepted(), "accepted"),
        (Unavailable("HTTP 503"), "unavailable"),
        (StatementRefused("HTTP 400"), "refused"),
        (IntegrationRefused("HTTP 403"), "refused"),
        (TooMuch("HTTP 413", by_size=True), "refused"),
    ],
)
def test_the_journal_has_three_words_for_outcomes(outcome: Outcome, word: str) -> None:
    assert name(outcome) == word


async def test_with_one_request_at_a_time_the_order_is_kept() -> None:
    lrs = ScriptedLrs()

    sent = await send(lrs, window(9), batch_size=2)

    assert numbers(lrs.requests) == [[0, 1], [2, 3], [4, 5], [6, 7], [8]]
    assert lrs.most_in_flight == 1
    assert [s.queued for s in sent.settled] == sent.attempted == window(9)


async def test_no_more_requests_are_in_flight_than_were_asked_for() -> None:
    lrs = ScriptedLrs()

    sent = await send(lrs, window(20), concurrency=3)

    assert lrs.most_in_flight == 3
    assert len(sent.settled) == 20


async def test_the_first_failure_ends_the_window_and_the_rest_is_not_sent() -> None:
    lrs = ScriptedLrs(lambda sent: GONE if sent == [b"2"] else OK)

    sent = await send(lrs, window(6))

    assert numbers(lrs.requests) == [[0], [1], [2]]
    assert sent.stop == Unavailable("HTTP 503: closed")
    assert names([sent.failed, sent.attempted]) == [["2"], ["0", "1", "2"]]
    assert [s.queued.id for s in sent.settled] == ["0", "1"]


async def test_requests_in_flight_end_in_good_order_when_one_of_them_fails() -> None:
    lrs = ScriptedLrs(lambda sent: GONE if sent == [b"1"] else OK)

    sent = await send(lrs, window(30), concurrency=4)

    assert numbers(lrs.requests) == [[0], [1], [2], [3], [4]]
    assert sent.stop == Unavailable("HTTP 503: closed")
    assert sorted(s.queued.id for s in sent.settled) == ["0", "2", "3", "4"]


async def test_of_two_failures_the_first_is_told() -> None:
    lrs = ScriptedLrs(lambda sent: Answer(500 + int(sent[0]), "", TOOK))

    sent = await send(lrs, window(2), concurrency=2)

    assert sent.stop == Unavailable("HTTP 500")
    assert names([sent.failed]) == [["0", "1"]]


async def test_after_a_while_nothing_more_of_a_window_is_started() -> None:
    clock = FakeClock()

    def slow(_: list[bytes]) -> Reply:
        clock.move(milliseconds=126)
        return OK

    sending = Sending(ScriptedLrs(slow), ScriptedTokens(), clock, an_integration())
    sent = await sending.send(window(10), largest=None)

    assert len(sent.settled) == len(sent.attempted) == 2
    assert sent.stop is None


async def test_a_halted_sending_sends_nothing() -> None:
    lrs = ScriptedLrs()
    sending = Sending(lrs, ScriptedTokens(), FakeClock(), an_integration())

    sending.halt()
    sent = await sending.send(window(3), largest=None)

    assert lrs.requests == []
    assert sent == Sent()


async def test_a_sending_that_is_halted_while_it_halves_starts_no_further_request() -> None:
    lrs = ScriptedLrs()
    sending = Sending(lrs, ScriptedTokens(), FakeClock(), an_integration(batch_size=8))

    def refuse_and_halt(_: list[bytes]) -> Reply:
        sending.halt()
        return Answer(400, "no", TOOK)

    lrs.behave = refuse_and_halt
    sent = await sending.send(window(8), largest=None)

    assert len(lrs.requests) == 1
    assert (sent.settled, sent.failed, sent.stop) == ([], [], None)


async def test_an_outage_while_halving_leaves_the_other_half_alone() -> None:
    replies = iter([Answer(400, "no", TOOK), GONE])
    lrs = ScriptedLrs(lambda _: next(replies))

    sent = await send(lrs, window(4), batch_size=4)

    assert numbers(lrs.requests) == [[0, 1, 2, 3], [0, 1]]
    assert names([sent.failed]) == [["0", "1"]]


async def test_a_batch_that_is_too_large_is_halved_and_its_size_told() -> None:
    lrs = ScriptedLrs(lambda sent: Answer(413, "", TOOK) if len(sent) > 2 else OK)

    sent = await send(lrs, window(8), batch_size=8)

    assert sent.largest == 20
    assert len(sent.settled) == 8
    assert [len(request) for request in lrs.requests] == [8, 4, 2, 2, 4, 2, 2]


async def test_a_known_size_is_kept_to() -> None:
    lrs = ScriptedLrs()

    await send(lrs, window(5), batch_size=50, largest=20)

    assert numbers(lrs.requests) == [[0, 1], [2, 3], [4]]


async def test_one_statement_that_is_too_large_is_refused_alone() -> None:
    lrs = ScriptedLrs(lambda _: Answer(413, "at most 1 MB", TOOK))

    sent = await send(lrs, window(1, size=99), batch_size=50)

    (settled,) = sent.settled
    assert (settled.status, settled.reason) == (413, "HTTP 413: at most 1 MB")
    assert sent.largest is None


async def test_a_bug_in_one_of_many_requests_is_not_taken_for_an_outage() -> None:
    def fail(sent: list[bytes]) -> Reply:
        raise StoreUnavailable("Redis is away") if sent == [b"1"] else ValueError("a bug")

    with pytest.raises(ExceptionGroup) as raised:
        await send(ScriptedLrs(fail), window(3), concurrency=3)

    assert raised.group_contains(ValueError)


async def test_a_token_that_is_not_accepted_is_replaced_once() -> None:
    lrs, tokens = ScriptedLrs(), ScriptedTokens("old", "new")
    lrs.behave = lambda _: Answer(401, "", TOOK) if lrs.tokens[-1] == "old" else OK

    sent = await send(lrs, window(3), tokens=tokens)

    assert lrs.tokens == ["old", "new", "new", "new"]
    assert tokens.dropped == ["old"]
    assert len(sent.settled) == 3
    assert {attempt.status for attempt in sent.attempts} == {200}


async def test_a_second_token_that_is_not_accepted_refuses_the_integration() -> None:
    lrs, tokens = ScriptedLrs(lambda _: Answer(401, "who?", TOOK)), ScriptedTokens("old", "new")

    sent = await send(lrs, window(3), tokens=tokens)

    assert lrs.tokens == ["old", "new"]
    assert sent.stop == IntegrationRefused("HTTP 401: who?")
    assert (sent.settled, names([sent.failed])) == ([], [["0"]])


@pytest.mark.parametrize("outcome", [Unavailable("HTTP 503"), IntegrationRefused("HTTP 400")])
async def test_without_a_second_token_it_is_the_token_endpoint_that_decides(
    outcome: Unavailable | IntegrationRefused,
) -> None:
    lrs, tokens = ScriptedLrs(lambda _: Answer(401, "", TOOK)), ScriptedTokens("old", outcome)

    sent = await send(lrs, window(3), tokens=tokens)

    assert sent.stop == outcome
    assert names([sent.attempted]) == [["0"]]


async def test_without_a_token_nothing_is_sent() -> None:
    lrs, tokens = ScriptedLrs(), ScriptedTokens(Unavailable("HTTP 503", timedelta(minutes=5)))

    sent = await send(lrs, window(3), tokens=tokens)

    assert lrs.requests == []
    assert sent.stop == Unavailable("HTTP 503", timedelta(minutes=5))
    assert (sent.attempted, names([sent.failed])) == ([], [["0"]])
    (attempt,) = sent.attempts
    assert (attempt.outcome, attempt.status, attempt.answer) == ("unavailable", None, "")


async def test_an_attempt_tells_what_was_answered_and_how_long_it_took() -> None:
    clock = FakeClock()

    def behave(_: list[bytes]) -> Reply:
        clock.move(milliseconds=40)
        return Answer(400, "no " * 2000, TOOK)

    sending = Sending(ScriptedLrs(behave), ScriptedTokens(), clock, an_integration())
    sent = await sending.send(window(1), largest=None)

    (attempt,) = sent.attempts
    assert attempt.at == AT
    assert attempt.took == timedelta(milliseconds=40)
    assert (attempt.outcome, attempt.status, attempt.statement_ids) == ("refused", 400, ("0",))
    assert len(attempt.answer) == 2000
    assert attempt.reason is not None
    assert attempt.reason.startswith("HTTP 400: no no")


async def test_no_answer_at_all_is_told_too() -> None:
    lrs = ScriptedLrs(lambda _: NoAnswer(Failure.TIMEOUT, "lrs.example did not answer", TOOK))

    sent = await send(lrs, window(1))

    (attempt,) = sent.attempts
    assert (attempt.status, attempt.answer) == (None, "")
    assert attempt.reason == "timeout: lrs.example did not answer"


@pytest.mark.parametrize(("tried", "parked"), [(True, False), (False, True)])
async def test_a_conflict_parks_what_cannot_have_arrived_before(
    tried: bool,  # noqa: FBT001 - a column of the table
    parked: bool,  # noqa: FBT001 - a column of the table
) -> None:
    lrs = ScriptedLrs(lambda _: Answer(409, "", TOOK))

    sent = await send(lrs, [queued(1, tried=tried)])

    (settled,) = sent.settled
    assert (settled.reason is not None) is parked
