"""The letter to the contacts of a program: all that is pending, safe whatever others wrote.

With HUB_WRITE_GOLDEN set, the golden files are written anew instead of compared.
"""

import email
import email.policy
import os
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from hub.notices.letter import SUBJECTS, Letters
from hub.registry.parties.notices import Addressee, Notice, NoticeKind

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 11, 22, 14, 5, 7, tzinfo=UTC)
ACME = Addressee("ACME", "Acme Academy", ("ops@acme.example", "lms@acme.example"))
LETTERS = Letters("Learning Hub <hub@learning.example>", "https://hub.example/")


def a_notice(
    words: str = "Events of PUB are not imported: HTTP 503",
    kind: NoticeKind = NoticeKind.SYNC,
    number: int = 1,
) -> Notice:
    return Notice(number, kind, "PUB", words, AT + timedelta(hours=number))


SEVERAL = [
    a_notice(
        "Events of PUB are held at event PUB-1, line 2, column 7: makes no <b>JSON</b> & more"
    ),
    a_notice(
        "The event ACME-1 could not be made into a completion: /learner must have an email or an "
        "ssoId. What was set aside is listed at /api/programs/ACME/eventCompletions/failures, and "
        "is tried again when the template is saved.",
        NoticeKind.COMPLETIONS,
        2,
    ),
    a_notice("The API key 0123456789abcdef of ann ends on 2026-12-01.", NoticeKind.KEY, 3),
]


def as_sent(letter: EmailMessage) -> EmailMessage:
    """Write a letter and read it, as a mail server would."""
    read = email.message_from_bytes(letter.as_bytes(), policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


def part(letter: EmailMessage, kind: str) -> str:
    body = as_sent(letter).get_body((kind,))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_letter_tells_all_that_is_pending(kind: str) -> None:
    written = part(LETTERS.write(ACME, SEVERAL), kind)

    path = GOLDEN / f"several.{kind}"
    if os.environ.get("HUB_WRITE_GOLDEN"):
        path.write_text(written)
    assert written == path.read_text()


def test_a_letter_goes_to_all_contacts_and_says_who_wrote_it() -> None:
    letter = as_sent(LETTERS.write(ACME, SEVERAL))

    assert letter["To"] == "ops@acme.example, lms@acme.example"
    assert letter["From"] == "Learning Hub <hub@learning.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Subject"] == "Acme Academy: several things need your attention"
    assert letter["Date"].datetime == AT + timedelta(hours=3)


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_letter_about_one_thing_says_so(kind: NoticeKind) -> None:
    letter = LETTERS.write(ACME, [a_notice(kind=kind), a_notice(kind=kind, number=2)])

    assert letter["Subject"] == f"Acme Academy: {SUBJECTS[kind]}"


def test_the_same_notices_make_the_same_letter_and_other_words_another() -> None:
    again, other = LETTERS.write(ACME, SEVERAL), LETTERS.write(ACME, [a_notice("other words")])

    assert again.as_bytes() == LETTERS.write(ACME, SEVERAL).as_bytes()
    assert again["Message-ID"] != other["Message-ID"]


def test_nothing_that_others_wrote_breaks_a_letter() -> None:
    wild = Addressee("ACME", "Ac\r\nBcc: eve@evil.example\u202eme", ("a@b.example", "x\n@y", "no"))

    letter = LETTERS.write(wild, [a_notice("<script>\r\n.\r\n\x1b[2J")])

    read = as_sent(letter)
    assert read["Bcc"] is None
    assert read["To"] == "a@b.example"
    assert "<script>" not in part(letter, "html")
    assert "\x1b" not in letter.as_string()
