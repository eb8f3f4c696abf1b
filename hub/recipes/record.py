"""A record: one unit of a landed file, with what it says read strictly and told by name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from hub.recipes.faults import RecordFault
from hub.xapi.words import MAILBOX

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
"""A smaller number is a year, a day of a spreadsheet or a mistake, and no moment."""
LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
MILLISECONDS = 100_000_000_000
"""From here on a bare number counts milliseconds: as seconds it would be the year 5138."""
SHOWN = 60
IS_MAILBOX = re.compile(MAILBOX)
ADDRESS = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f<>"{}|\\^`]+')


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a CSV file, one JSON object, or one webhook.

    `fields` are texts where the record was a row, and JSON values where it was an object. `line`
    is where it begins in its file, from 1; `headers` came with a webhook, in lower case.
    """

    fields: Mapping[str, object]
    line: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)

    def get(self, path: str) -> object | None:
        """Give what stands under a name, or under a path such as `payload.object.0.id`."""
        if path in self.fields:
            return self.fields[path]
        if "." not in path:
            return None
        found: object = self.fields
        for step in path.split("."):
            if isinstance(found, Mapping):
                found = found.get(step)
            elif isinstance(found, Sequence) and not isinstance(found, str) and step.isdecimal():
                found = found[int(step)] if int(step) < len(found) else None
            else:
                return None
        return found

    def text(self, path: str) -> str | None:
        """Give a text without the white space around it; None if there is none.

        Raises RecordFault for what is neither a text, a number nor a truth value.
        """
        found = self.fields.get(path)
        # The cells of every row, and the columns that a file does not have: worth a shorter way.
        if type(found) is str:
            return found.strip() or None
        if found is None:
            if "." not in path:
                return None
            found = self.get(path)
        match found:
            case None:
                return None
            case bool():
                return "true" if found else "false"
            case str() | int() | float():
                return str(found).strip() or None
            case _:
                raise RecordFault(path, f"must be a text, not {_shown(found)}")

    def needed(self, path: str) -> str:
        """Give a text that must be there. Raises RecordFault."""
        found = self.text(path)
        if found is None:
            raise RecordFault(path, "is missing")
        return found

    def mailbox(self, path: str) -> str:
        """Give an e-mail address that must be there. Raises RecordFault."""
        found = self.needed(path)
        if not IS_MAILBOX.fullmatch(found):
            raise RecordFault(path, "must be an e-mail address")
        return found

    def address(self, path: str) -> str:
        """Give an address (IRI) that must be there. Raises RecordFault."""
        found = self.needed(path)
        if not ADDRESS.fullmatch(found):
            raise RecordFault(path, "must be an address, like https://example.org/page")
        return found

    def number(self, path: str) -> float | None:
        """Give a number, also from a text such as `12.5` or `87 %`. Raises RecordFault."""
        found = self.text(path)
        if found is None:
            return None
        try:
            number = float(found.removesuffix("%").strip())
        except ValueError:
            raise RecordFault(path, f"must be a number, not {_shown(found)}") from None
        if not abs(number) < float("inf"):
            raise RecordFault(path, f"must be a number, not {_shown(found)}")
        return number

    def moment(
        self, path: str, *, formats: Sequence[str] = (), zone: tzinfo = UTC
    ) -> datetime | None:
        """Give a moment: ISO 8601, seconds or milliseconds since 1970, or one of `formats`.

        A number before the year 2000 is no moment. `formats` are those of `strptime`; `zone` is
        meant where none is written. Raises RecordFault.
        """
        found = self.text(path)
        if found is None:
            return None
        moment = _of_number(found) or _of_text(found, formats)
        if moment is None:
            known = " or ".join(formats) or "2026-03-02T09:00:00Z"
            raise RecordFault(path, f"must be a time like {known}, not {_shown(found)}")
        try:
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
        except OverflowError:
            raise RecordFault(path, f"is a time that no calendar has: {_shown(found)}") from None


def _of_number(text: str) -> datetime | None:
    try:
        number = float(text)
    except ValueError:
        return None
    # Eight digits are a date without dashes, which the texts know.
    if len(text) == len("20260302") and text.isdecimal():
        return None
    seconds = number / 1000 if abs(number) >= MILLISECONDS else number
    return datetime.fromtimestamp(seconds, UTC) if EARLIEST <= seconds < LATEST else None


def _of_text(text: str, formats: Sequence[str]) -> datetime | None:
    for known in formats:
        try:
            return datetime.strptime(text, known)  # noqa: DTZ007  the zone is the caller's to say
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def _shown(value: object) -> str:
    written = repr(value)
    return written if len(written) <= SHOWN else written[:SHOWN] + "..."
