"""Puts a problem into words, for a technical contact who may never have heard of us. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import quote, urlsplit

from delivery.facts.integration import Integration
from delivery.facts.problem import Kind, Problem
from delivery.facts.status import Health, Status
from delivery.mails.stationery import SHEETS, Letter, length, line, moment, open_templates

LONGEST_NAME, LONGEST_REASON = 80, 500

SUBJECTS = {
    Kind.DOWN: "learning records are waiting for your server",
    Kind.REFUSED: "stopped until the integration is updated",
    Kind.PARKED: "your server refused some learning records",
}

_templates = open_templates(SHEETS)


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes the letters of one hub: who signs them, where its portal is, what it promises."""

    sender: str
    public_url: str
    heartbeat: timedelta = timedelta(seconds=60)
    interval: timedelta = timedelta(hours=24)

    def write(self, problem: Problem, integration: Integration, health: Health) -> EmailMessage:
        """Write the letter that tells of a problem."""
        letter = Letter(
            template="problem",
            words=self._words(problem, integration, health),
            subject=f"{line(integration.name, LONGEST_NAME)}: {SUBJECTS[problem.kind]}",
            emails=integration.technical_emails,
            at=problem.at,
            digest=_digest(integration, problem),
        )
        return letter.written(_templates, self.sender)

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


def _digest(integration: Integration, problem: Problem) -> str:
    origin = f"{integration.id} {problem.at.isoformat()}"
    return hashlib.sha256(origin.encode()).hexdigest()[:32]
