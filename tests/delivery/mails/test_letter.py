"""The letter to a technical contact: true, clear, and safe whatever others wrote.

With HUB_WRITE_GOLDEN set, the golden files are written anew instead of compared.
"""

import email
import email.policy
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from delivery.facts.integration import Integration, IntegrationId
from delivery.facts.problem import Kind, Problem
from delivery.facts.status import Health, Status
from delivery.mails.letter import Letters
from delivery.mails.stationery import length, line
from tests.fakes.registry import an_integration

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 11, 22, 14, 5, 7, tzinfo=UTC)
LETTERS = Letters("Learning Hub <hub@learning.example>", "https://hub.example/")

PROBLEMS = {
    Kind.DOWN: Problem(Kind.DOWN, "HTTP 503: maintenance until <b>noon</b> & a bit", AT),
    Kind.REFUSED: Problem(
        Kind.REFUSED,
        "Invalid Credentials (Client Id, Client Secret or Authentication URL may be incorrect): "
        'HTTP 401: {"error": "invalid_client"}',
        AT,
    ),
    Kind.PARKED: Problem(Kind.PARKED, "HTTP 400: actor.mbox is not a mailto IRI", AT),
}
STATUSES = {Kind.DOWN: Status.DOWN, Kind.REFUSED: Status.REFUSED, Kind.PARKED: Status.FLOWING}


def health(status: Status, *, queued: int = 12_345, parked: int = 3) -> Health:
    return Health(
        status=status,
        since=AT - timedelta(hours=1),
        reason="",
        next_attempt_at=AT + timedelta(seconds=60),
        queued=queued,
        parked=parked,
        oldest_queued_at=AT,
        last_delivered_at=AT,
        last_alert_at=None,
    )


def integration(**changes: object) -> Integration:
    made = replace(
        an_integration("0b9c3f1e"),
        name="Acme Learning Locker",
        provider="Learning Locker",
        technical_emails=("ops@acme.example", "lms@acme.example"),
        statement_url="https://lrs.acme.example/xapi/statements?key=s3cret",
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name, from a test


def a_letter(
    kind: Kind = Kind.DOWN, *, reason: str | None = None, **changes: object
) -> EmailMessage:
    problem = PROBLEMS[kind]
    if reason is not None:
        problem = replace(problem, reason=reason)
    return LETTERS.write(problem, integration(**changes), health(STATUSES[kind]))


def text(letter: EmailMessage, kind: str = "plain") -> str:
    part = letter.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def headers(letter: EmailMessage) -> str:
    return "".join(f"{name}: {value}\n" for name, value in letter.items())


@pytest.mark.parametrize("kind", list(Kind))
def test_the_letter_reads_as_the_golden_one(kind: Kind) -> None:
    letter = a_letter(kind)
    found = {
        f"{kind}.txt": f"{headers(letter)}\n{text(letter)}",
        f"{kind}.html": text(letter, "html"),
    }

    for name, content in found.items():
        if "HUB_WRITE_GOLDEN" in os.environ:
            (GOLDEN / name).write_text(content)
        assert content == (GOLDEN / name).read_text()


def test_the_same_problem_makes_the_same_letter() -> None:
    assert a_letter().as_bytes() == a_letter().as_bytes()


def test_another_problem_is_another_letter() -> None:
    first = a_letter()["Message-ID"]
    later = replace(PROBLEMS[Kind.DOWN], at=AT + timedelta(days=1))

    others = [
        a_letter(id=IntegrationId("other"))["Message-ID"],
        LETTERS.write(later, integration(), health(Status.DOWN))["Message-ID"],
    ]

    assert first not in others
    assert first.endswith("@learning.example>")


def test_the_headers_say_who_and_that_no_person_wrote() -> None:
    letter = a_letter()

    assert letter["From"] == "Learning Hub <hub@learning.example>"
    assert letter["To"] == "ops@acme.example, lms@acme.example"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"].datetime == AT


def test_a_bare_sender_gets_a_name() -> None:
    letters = Letters("hub@learning.example", "https://hub.example")

    letter = letters.write(PROBLEMS[Kind.DOWN], integration(), health(Status.DOWN))

    assert letter["From"] == "Learning Hub <hub@learning.example>"


def test_the_promises_are_those_of_the_settings() -> None:
    letters = replace(LETTERS, heartbeat=timedelta(seconds=90), interval=timedelta(hours=6))

    letter = letters.write(PROBLEMS[Kind.DOWN], integration(), health(Status.DOWN))

    for part in ("plain", "html"):
        assert "one statement every 90 seconds" in text(letter, part)
        assert "in 6 hours" in " ".join(text(letter, part).split())


def test_an_outage_that_is_over_is_told_so() -> None:
    letter = LETTERS.write(PROBLEMS[Kind.DOWN], integration(), health(Status.FLOWING, queued=0))

    for part in ("plain", "html"):
        assert "Meanwhile the server answers again" in text(letter, part)
        assert "Next attempt" not in text(letter, part)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_letter_links_to_the_integration_and_shows_no_address_in_full(kind: Kind) -> None:
    letter = a_letter(kind)

    for part in ("plain", "html"):
        assert "https://hub.example/portal/integrations/0b9c3f1e" in text(letter, part)
        assert "lrs.acme.example" in text(letter, part)
        assert "s3cret" not in text(letter, part)


EVIL = 'Evil\r\nBcc: all@acme.example\r\n\r\n<script>alert(1)</script>\x00\x1b[31m\u202e"&'


@pytest.mark.parametrize("kind", list(Kind))
def test_nothing_that_others_wrote_becomes_a_header_or_markup(kind: Kind) -> None:
    letter = a_letter(
        kind,
        reason=EVIL,
        name=EVIL,
        provider=EVIL,
        program_id=EVIL,
        statement_url=f"https://{EVIL}/",
        technical_emails=("ops@acme.example", "a@b.example\r\nBcc: all@acme.example"),
        id=IntegrationId('x"/><script>'),
    )

    read = email.message_from_bytes(letter.as_bytes(), policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    assert read["Bcc"] is None
    assert read["To"] == "ops@acme.example"
    assert "<script" not in text(read, "html")
    for character in "\r\x00\x1b\u202e":
        assert character not in text(read) + text(read, "html") + str(read["Subject"])


@pytest.mark.parametrize(
    "address",
    ["a@b\nBcc: c@d", "a b@c", "not an address", "", "a@", "@b", "a@b\x00", "A <a@b.example>"],
)
def test_an_address_that_is_none_gets_no_letter(address: str) -> None:
    letter = a_letter(technical_emails=(address, "ops@acme.example"))

    assert letter["To"] == "ops@acme.example"


def test_without_a_usable_address_there_is_no_recipient() -> None:
    assert a_letter(technical_emails=("nobody",))["To"] is None


def test_names_in_any_script_arrive() -> None:
    letter = a_letter(name="Überseehandel 日本")

    read = email.message_from_bytes(letter.as_bytes(), policy=email.policy.default)

    assert str(read["Subject"]).startswith("Überseehandel 日本: ")


def test_a_long_reason_is_cut() -> None:
    assert "x" * 499 + "…" in text(a_letter(reason="x" * 9999), "html")


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\r\n b\tc", "a b c"),
        ("  a  ", "a"),
        ("a\x00b\x1b[0m", "ab[0m"),
        ("a\u202eb\u200bc\ufeff", "abc"),
        ("a\u2028b", "a b"),
        ("abcdefghijk", "abcdefghi…"),
        ("abcdefgh  ijk", "abcdefgh…"),
        ("", ""),
    ],
    ids=repr,
)
def test_foreign_text_becomes_one_clean_line(raw: str, clean: str) -> None:
    assert line(raw, 10) == clean


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (86400, "24 hours"),
        (3600, "60 minutes"),
        (7200, "2 hours"),
        (60, "60 seconds"),
        (300, "5 minutes"),
        (90, "90 seconds"),
        (1, "1 second"),
    ],
)
def test_a_length_of_time_is_put_in_words(seconds: float, words: str) -> None:
    assert length(timedelta(seconds=seconds)) == words
