"""Puts a problem into words, for a technical contact who may never have heard of us.

Pure: the same problem makes the same letter, Message-ID included, so that one that is sent twice
can be known as one. What customers and servers wrote is cleaned before it stands in a header, and
escaped before it stands in HTML.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from delivery.integration import Integration
from delivery.problem import Kind, Problem
from delivery.status import Health, Status

LONGEST_NAME, LONGEST_REASON = 80, 500

SUBJECTS = {
    Kind.DOWN: "learning records are waiting for your server",
    Kind.REFUSED: "stopped until the integration is updated",
    Kind.PARKED: "your server refused some learning records",
}


def open_templates(folder: Path) -> Environment:
    """Open a folder of letters: what is put into HTML is escaped, what is missing is an error."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


_templates = open_templates(Path(__file__).parent / "letters")


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes the letters of one hub: who signs them, where its portal is, what it promises."""

    sender: str
    public_url: str
    heartbeat: timedelta = timedelta(seconds=60)
    interval: timedelta = timedelta(hours=24)

    def write(self, problem: Problem, integration: Integration, health: Health) -> EmailMessage:
        """Write the letter that tells of a problem."""
        words = self._words(problem, integration, health)
        letter = EmailMessage()
        letter["Subject"] = f"{line(integration.name, LONGEST_NAME)}: {SUBJECTS[problem.kind]}"
        letter["From"] = sender_address(self.sender)
        recipients = list(usable_addresses(integration.technical_emails))
        if recipients:
            letter["To"] = recipients
        letter["Date"] = problem.at
        letter["Message-ID"] = _message_id(integration, problem, letter["From"].addresses[0])
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(_templates.get_template("problem.txt").render(words))
        html = _templates.get_template("problem.html").render(words)
        letter.add_alternative(html, subtype="html")
        letter.set_boundary(_digest(integration, problem))
        return letter

    def _words(
        self, problem: Problem, integration: Integration, health: Health
    ) -> dict[str, object]:
        is_down = problem.kind is Kind.DOWN
        portal = f"{self.public_url.rstrip('/')}/portal"
        down_now = is_down and health.status is Status.DOWN
        return {
            "kind": problem.kind,
            "name": line(integration.name, LONGEST_NAME),
            "program": line(integration.program_id, LONGEST_NAME),
            "provider": line(integration.provider, LONGEST_NAME),
            "host": line(urlsplit(integration.statement_url).hostname or "?", LONGEST_NAME),
            "reason": line(problem.reason, LONGEST_REASON),
            "since": moment((health.since if down_now else None) or problem.at),
            "queued": f"{health.queued:,}",
            "parked": f"{health.parked:,}",
            "next_attempt": moment(health.next_attempt_at)
            if down_now and health.next_attempt_at
            else None,
            "is_over": is_down and health.status is Status.FLOWING,
            "heartbeat": length(self.heartbeat),
            "interval": length(self.interval),
            "link": f"{portal}/integrations/{quote(integration.id, safe='')}",
        }


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


def sender_address(sender: str) -> Address:
    """Read who signs: `Name <address>`, or only an address."""
    name, address = parseaddr(line(sender, 320))
    return Address(name or "Learning Hub", addr_spec=address)


def usable_addresses(emails: Sequence[str]) -> Iterator[Address]:
    """Give those that can stand in a header."""
    for email in emails:
        if email == line(email, 320):
            try:
                yield Address(addr_spec=email)
            except (ValueError, IndexError, MessageError):
                # Checked when it was saved; a letter to the others is better than none.
                continue


def _message_id(integration: Integration, problem: Problem, sender: Address) -> str:
    return f"<{_digest(integration, problem)}@{sender.domain or 'localhost'}>"


def _digest(integration: Integration, problem: Problem) -> str:
    origin = f"{integration.id} {problem.at.isoformat()}"
    return hashlib.sha256(origin.encode()).hexdigest()[:32]
