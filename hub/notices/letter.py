"""Writes the letter that tells the contacts of a program all that is pending. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from textwrap import wrap

from delivery.mails.stationery import Letter, length, line, moment, open_templates
from hub.registry.parties.notices import Addressee, Notice, NoticeKind

MOST_TOLD = 50
"""Notices in one letter; the others wait for the next."""
LONGEST_NAME, LONGEST_WORDS = 80, 1000
WIDTH = 78

SUBJECTS = {
    NoticeKind.SYNC: "events could not be imported",
    NoticeKind.COMPLETIONS: "events could not be made into statements",
    NoticeKind.KEY: "an API key ends soon",
    NoticeKind.SOURCE: "a source could not be read",
}
SEVERAL = "several things need your attention"

_templates = open_templates(Path(__file__).parent / "letters")


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes the letters of one hub: who signs them, and how often one may come."""

    sender: str
    public_url: str
    interval: timedelta = timedelta(hours=24)

    def write(self, to: Addressee, notices: Sequence[Notice]) -> EmailMessage:
        """Write the letter that tells these notices, one at least and `MOST_TOLD` at most."""
        letter = Letter(
            template="notices",
            words=self._words(to, notices),
            subject=f"{line(to.name, LONGEST_NAME)}: {_subject(notices)}",
            emails=to.emails,
            at=max(notice.noted_at for notice in notices),
            digest=_digest(to.program_id, notices),
        )
        return letter.written(_templates, self.sender)

    def _words(self, to: Addressee, notices: Sequence[Notice]) -> dict[str, object]:
        told = [_told(notice) for notice in notices]
        return {
            "name": line(to.name, LONGEST_NAME),
            "program": line(to.program_id, LONGEST_NAME),
            "heading": _heading(notices),
            "notices": told,
            "interval": length(self.interval),
            "link": f"{self.public_url.rstrip('/')}/portal",
        }


def _told(notice: Notice) -> dict[str, object]:
    words = line(notice.words, LONGEST_WORDS)
    return {
        "words": words,
        "lines": wrap(words, WIDTH - 4, break_long_words=False, break_on_hyphens=False),
        "at": moment(notice.noted_at),
    }


def _subject(notices: Sequence[Notice]) -> str:
    kinds = {notice.kind for notice in notices}
    return SUBJECTS[kinds.pop()] if len(kinds) == 1 else SEVERAL


def _heading(notices: Sequence[Notice]) -> str:
    subject = _subject(notices)
    return f"{subject[0].upper()}{subject[1:]}"


def _digest(program_id: str, notices: Sequence[Notice]) -> str:
    origin = [program_id, *(f"{notice.id} {notice.words}" for notice in notices)]
    return hashlib.sha256("\n".join(origin).encode()).hexdigest()[:32]
