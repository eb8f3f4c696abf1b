"""Leafing: what an address says of the page that is shown, and what leads to those around it."""

import pytest

from hub.portal.paging import MOST_BACK, Paging


def through(count: int) -> Paging:
    """Go so many pages on from the first, by addresses alone."""
    shown = Paging()
    for number in range(2, count + 2):
        shown = Paging.of(f"q=a+word&{shown.next(f'c{number}=').query}")
    return shown


def test_every_page_leads_back_to_the_one_before_it() -> None:
    shown = through(3)
    assert (shown.cursor, shown.number) == ("c4=", 4)

    for cursor, number in (("c3=", 3), ("c2=", 2), ("", 1)):
        assert shown.previous
        shown = Paging.of(shown.previous.query)
        assert (shown.cursor, shown.number) == (cursor, number)
    assert shown.previous is None
    assert shown == Paging()


def test_an_address_does_not_grow_for_ever() -> None:
    shown = through(MOST_BACK * 3)
    assert len(shown.back) == MOST_BACK

    while shown.previous:
        shown = shown.previous
    assert shown.number > 2


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 5000, "²"])
def test_a_cursor_alone_leads_nowhere_but_forward(number: str) -> None:
    shown = Paging.of(f"cursor=c&page={number}")

    assert (shown.number, shown.previous) == (0, None)
    assert Paging.of(shown.next("d").query).previous == Paging("c", (), 0)
    assert Paging.of("page=7&back=c") == Paging()
