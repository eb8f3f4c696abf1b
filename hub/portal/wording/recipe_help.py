"""How a recipe is written, for somebody who has never seen one. Tests run all of it. Pure."""

import json
from collections.abc import Mapping, Sequence

Record = Mapping[str, object]

RECORD: Record = {
    "E-mail": "ada@example.org",
    "course": "engines",
    "title": "On engines",
    "state": "done",
    "points": "87",
    "finished_at": "2026-01-31T12:00:00Z",
}
RECIPE: Mapping[str, object] = {
    "when": "{{eq state 'done'}}",
    "actor": {"mbox": "mailto:{{[E-mail]}}"},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
    "object": {
        "id": "https://example.org/courses/{{course}}",
        "definition": {"name": {"en": "{{title}}"}},
    },
    "result": {"score": {"raw": "{{{points}}}"}, "success": "{{{gte points 50}}}"},
    "timestamp": "{{finished_at}}",
}
WRITTEN: Sequence[tuple[str, str, str]] = (
    ("{{title}}", "On engines", "the field title of the record"),
    ("{{[E-mail]}}", "ada@example.org", "a field whose name is not only letters, digits and _"),
    ("{{points}} points", "87 points", "a field among words"),
    ("{{#if points}}scored{{else}}open{{/if}}", "scored", "one or the other: is there a value?"),
    ("{{default nickname title}}", "On engines", "the first of them that is there"),
    ("{{lower title}}", "on engines", "in small letters; upper and trim are like it"),
    ("{{replace title ' ' '-'}}", "On-engines", "without spaces, as addresses need it"),
    ("{{concat course '/' points}}", "engines/87", "put together"),
    ("{{formatDate finished_at 'yyyy-MM-dd'}}", "2026-01-31", "a date by a pattern"),
    ("{{addDate finished_at 1 'years'}}", "2027-01-31T12:00:00Z", "a date moved"),
    ("{{round (divide points 7) 1}}", "12.4", "calculated; add, subtract, multiply are like it"),
    (
        "{{and (gt points 80) (ne state 'open')}}",
        "true",
        "compared: eq ne lt lte gt gte, and or not",
    ),
)
"""What is written in a text, what it makes of the record, and what that is."""

PYTHON = '''from hub.recipes.kit import (
    Context, Made, Record, RecordFault, Skip, activity, agent, duration, statement, verb
)

ATTENDED = verb("http://adlnet.gov/expapi/verbs/attended", "attended")


def shop_floor(record: Record, context: Context) -> Made:
    """Trainings at the machines.

    Columns `state`, `email`, `training`, `begun_at` and `minutes`; option: `timezone`.
    """
    if record.text("state") != "held":
        return Skip("it was not held")
    minutes = record.number("minutes") or 0
    if minutes > 600:
        raise RecordFault("minutes", "is more than a day of work")
    return statement(
        actor=agent(record.mailbox("email")),
        verb=ATTENDED,
        object=activity(f"https://example.org/trainings/{record.needed('training')}"),
        at=record.moment("begun_at", zone=context.zone()),
        result={"duration": duration(minutes * 60)},
    )
'''
HELD: Record = {
    "state": "held",
    "email": "ada@example.org",
    "training": "press-7",
    "begun_at": "2026-01-31T08:00:00",
    "minutes": "90",
}
KIT: Mapping[str, str] = {
    'record.text("state")': "the field as text, or None; a dot leads into nested records",
    'record.needed("training")': "the same, and the record fails where it is missing",
    'record.number("minutes")': "a number, or None",
    'record.mailbox("email")': "an e-mail address, checked",
    'record.address("url")': "an address that may name an activity, checked",
    'record.moment("begun_at", zone=context.zone())': "a time; one without a zone is of the option "
    "timezone",
    'context.lookup("people", key)': "the record of a table that has this key, or None",
    'context.option("hall", "north")': "an option of the source, or what stands behind it",
    "agent, account, verb, activity, statement": "the parts of a statement",
    "duration(seconds), score(raw), session(...)": "what xAPI wants calculated",
}


def shown(value: object) -> str:
    """Write a record or a recipe as people write JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)
