"""What a recipe may ask beside its record: its options, its source, and tables to look up in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from hub.recipes.faults import RecordFault
from hub.recipes.record import ADDRESS, Record

T = TypeVar("T")


class Table(Protocol):
    """A lookup table: records by one of their fields."""

    def find(self, key: str) -> Record | None:
        """Give the record with this key, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What holds for all records of a file."""

    options: Mapping[str, object] = field(default_factory=dict)
    source: str = ""
    """The id of the source."""
    landed_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    tables: Mapping[str, Table] = field(default_factory=dict)
    _read: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def lookup(self, table: str, key: str | None) -> Record | None:
        """Find a record in a table by its key; None for a blank key and for one that is not there.

        Raises RecordFault if the source knows no table of that name.
        """
        if table not in self.tables:
            raise RecordFault("", f"the source has no lookup table {table!r}")
        return self.tables[table].find(key) if key else None

    def option(self, name: str, default: str) -> str:
        """Give an option that is a text."""
        found = self.options.get(name, default)
        return found if isinstance(found, str) else default

    def once(self, read: Callable[[Mapping[str, object]], T]) -> T:
        """Give what `read` makes of the options; it is called once for all records of a part."""
        if read not in self._read:
            self._read[read] = read(self.options)
        found: T = self._read[read]
        return found

    def zone(self) -> tzinfo:
        """Give the time zone that the option `timezone` names; UTC without one.

        Raises RecordFault for a name that no time zone has.
        """
        return _zone(self.option("timezone", ""))

    def home_page(self, default: str) -> str:
        """Give the address of the system whose accounts are told; the option `homePage` has it.

        Raises RecordFault for what is no address.
        """
        found = self.option("homePage", default).rstrip("/")
        if not ADDRESS.fullmatch(found):
            raise RecordFault("", f"the option homePage must be an address, like {default}")
        return found


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ValueError, OSError, KeyError):
        raise RecordFault("", f"the option timezone is {name!r}, which is no time zone") from None
