"""The technical contacts' addresses, as a list or as one text with commas."""

import re
from collections.abc import Sequence
from typing import Annotated

from hub.api.errors import Unprocessable
from hub.api.strict import Saying
from hub.xapi.flaw import Flaw, point

Emails = Annotated[list[str] | str, Saying("must be e-mail addresses, as a list or with commas")]
MOST_CONTACTS = 20
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# RFC 5321, 4.1.2, without quoted names and address literals; nothing here can break a mail header.
ADDRESS = re.compile(
    rf"(?=.{{1,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*"
)


def read_emails(written: str | Sequence[str], name: str) -> tuple[str, ...]:
    """Return 1 to 20 addresses, each once. Raises Unprocessable, pointing at `name`."""
    parts = written.split(",") if isinstance(written, str) else written
    # Only spaces are cut off: a line break in an address is an attempt, not a slip.
    addresses = [part.strip(" ") for part in parts]
    found = tuple(dict.fromkeys(addresses))
    flaws = [
        Flaw(point(name) if isinstance(written, str) else point(name, number), _sentence(address))
        for number, address in enumerate(addresses)
        if not ADDRESS.fullmatch(address)
    ]
    if not 1 <= len(found) <= MOST_CONTACTS:
        flaws.append(Flaw(point(name), f"must be 1 to {MOST_CONTACTS} e-mail addresses"))
    if flaws:
        raise Unprocessable(flaws)
    return found


def _sentence(address: str) -> str:
    return f"{address[:100]!r} is no e-mail address" if address else "must not be empty"
