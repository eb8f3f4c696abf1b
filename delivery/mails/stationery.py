"""What all letters are written on: words that may stand in one, addresses, and the sheet itself.

Pure: the same letter has the same Message-ID, so that one that is sent twice can be known as one.
What others wrote is cleaned before it stands in a header, and escaped before it stands in HTML.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

SHEETS = Path(__file__).parent / "letters"


@dataclass(frozen=True, slots=True)
class Letter:
    """What one letter says, to whom, and which one it is."""

    template: str
    words: Mapping[str, object]
    subject: str
    emails: Sequence[str]
    at: datetime
    digest: str
    """Of what makes it the letter that it is."""

    def written(self, templates: Environment, sender: str) -> EmailMessage:
        """Write it, as text and as HTML, to those addresses that can stand in a header."""
        letter = EmailMessage()
        letter["Subject"] = self.subject
        letter["From"] = _sender_address(sender)
        recipients = list(_usable_addresses(self.emails))
        if recipients:
            letter["To"] = recipients
        letter["Date"] = self.at
        domain = letter["From"].addresses[0].domain or "localhost"
        letter["Message-ID"] = f"<{self.digest}@{domain}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(templates.get_template(f"{self.template}.txt").render(self.words))
        html = templates.get_template(f"{self.template}.html").render(self.words)
        letter.add_alternative(html, subtype="html")
        letter.set_boundary(self.digest)
        return letter


def open_templates(folder: Path) -> Environment:
    """Open a folder of letters: what is put into HTML is escaped, what is missing is an error."""
    return Environment(
        loader=FileSystemLoader([folder, SHEETS]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def line(text: str, longest: int) -> str:
    """Make one line of foreign text: no control, format or unassigned characters, not too long."""
    spaced = " ".join(text.split())
    clean = "".join(c for c in spaced if not unicodedata.category(c).startswith("C"))
    return clean if len(clean) <= longest else f"{clean[: longest - 1].rstrip()}…"


def moment(at: datetime) -> str:
    """Say when: `22 November 2026, 14:05 UTC`."""
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def length(time: timedelta) -> str:
    """Say how long, in the largest unit that comes out whole: `24 hours`, `60 seconds`."""
    seconds = round(time.total_seconds())
    for unit, size in (("hour", 3600), ("minute", 60)):
        if seconds > size and seconds % size == 0:
            return f"{seconds // size} {unit}s"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def _sender_address(sender: str) -> Address:
    """Read who signs: `Name <address>`, or only an address."""
    name, address = parseaddr(line(sender, 320))
    return Address(name or "Learning Hub", addr_spec=address)


def _usable_addresses(emails: Sequence[str]) -> Iterator[Address]:
    """Give those that can stand in a header."""
    for email in emails:
        if email == line(email, 320):
            try:
                yield Address(addr_spec=email)
            except (ValueError, IndexError, MessageError):
                # Checked when it was saved; a letter to the others is better than none.
                continue
