"""What waits is read lane by lane, in the order in which it is sent."""

import pytest

from delivery.facts.integration import IntegrationId
from delivery.stores.keys import Keys
from delivery.stores.store import Store
from delivery.stores.waiting import Waiting, is_place

ID = IntegrationId("one")
NUMBERS = {"front": (1, 2), "queue": (3, 4, 5), "back": (6,)}


@pytest.fixture
async def waiting(store: Store) -> Waiting:
    for lane, numbers in NUMBERS.items():
        for n in numbers:
            replayed = ("o", "operation", "u", 60_000) if lane == "back" else ()
            fields = ("i", f"s{n}", "b", "{}", "t", n, "d", "d", *replayed)
            await store.ask(("XADD", Keys(ID).lane(lane), f"{n}-0", *fields))
    return Waiting(store)


async def test_pages_go_on_from_lane_to_lane(waiting: Waiting) -> None:
    found, after = [], ""
    while page := await waiting.page(ID, limit=2, after=after):
        after = page[-1].place
        found.append([(one.lane, one.id) for one in page])

    assert found == [
        [("front", "s1"), ("front", "s2")],
        [("queue", "s3"), ("queue", "s4")],
        [("queue", "s5"), ("back", "s6")],
    ]


async def test_what_is_replayed_waits_since_it_was_lined_up(waiting: Waiting) -> None:
    *_, queued, replayed = await waiting.page(ID, limit=9)

    assert (queued.replayed, replayed.replayed) == (False, True)
    assert (queued.since - queued.accepted_at).total_seconds() == 0
    assert replayed.since.timestamp() == 60


async def test_what_was_sent_meanwhile_is_no_gap(waiting: Waiting, store: Store) -> None:
    page = await waiting.page(ID, limit=3)
    await store.ask(("XDEL", Keys(ID).queue, "3-0", "4-0"))

    assert [one.id for one in await waiting.page(ID, limit=3, after=page[-1].place)] == ["s5", "s6"]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("queue 1-0", True),
        ("front 170-12", True),
        ("", False),
        ("state 1-0", False),
        ("queue", False),
        ("queue 1", False),
        ("queue -", False),
        ("queue 1-0 COUNT", False),
        ("queue \u0661-0", False),
    ],
)
def test_places_are_told_from_other_texts(text: str, is_one: bool) -> None:  # noqa: FBT001
    assert is_place(text) is is_one
