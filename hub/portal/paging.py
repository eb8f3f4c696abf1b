"""Leafing through a list: the address says which page is shown, and which came before it. Pure.

The API's cursors lead forward only, so an address carries those of the pages before its own.
"""

from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, urlencode

MOST_BACK = 30
"""So many pages can be gone back one by one; from there, the first is at hand."""
CURSOR, BACK, NUMBER = "cursor", "back", "page"


@dataclass(frozen=True, slots=True)
class Paging:
    """A page of a list: its cursor, those of the pages before it, and which it is.

    The first page has no cursor. `number` is 0 for whoever came here by a cursor alone.
    """

    cursor: str = ""
    back: tuple[str, ...] = ()
    number: int = 1

    @classmethod
    def of(cls, query: str) -> Self:
        """Read the query of an address."""
        said = parse_qsl(query)
        last = dict(said)
        if not last.get(CURSOR):
            return cls()
        number = last.get(NUMBER, "")
        is_number = number.isdecimal() and len(number) < 10
        back = tuple(value for name, value in said if name == BACK)
        return cls(last[CURSOR], back[-MOST_BACK:], int(number) if is_number else 0)

    @property
    def is_first(self) -> bool:
        """Whether nothing comes before."""
        return not self.cursor

    @property
    def query(self) -> str:
        """Write this page as the query of an address."""
        if self.is_first:
            return ""
        return urlencode(
            [(CURSOR, self.cursor), (NUMBER, self.number), *((BACK, one) for one in self.back)]
        )

    def next(self, cursor: str) -> "Paging":
        """Give the page that follows."""
        back = self.back if self.is_first else (*self.back, self.cursor)
        number = self.number + 1 if self.number else 0
        return Paging(cursor, back[-MOST_BACK:], number)

    @property
    def previous(self) -> "Paging | None":
        """Give the page before; None where none is, or none is known."""
        if self.back:
            return Paging(self.back[-1], self.back[:-1], max(self.number - 1, 0))
        return Paging() if self.number == 2 else None
