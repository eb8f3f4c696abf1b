"""zoom-attendance: who registered for, and who attended, webinars and meetings of Zoom.

Takes webhooks, of which `participant_left` and `registration_created` make statements, and rows of
the attendee report. A report names its webinar in no column: the options `webinarId` (or
`meetingId`) and `topic` do. `timezone` and `dateFormat` say how it writes times. All stays of one
person in one session share a registration.
"""

from datetime import datetime
from urllib.parse import quote

from hub.recipes.kit import (
    Context,
    Made,
    Record,
    RecordFault,
    Skip,
    StatementMap,
    account,
    activity,
    agent,
    duration,
    session,
    statement,
    verb,
)

HOME_PAGE = "https://zoom.us"
ATTENDED = verb("http://adlnet.gov/expapi/verbs/attended", "attended")
REGISTERED = verb("http://adlnet.gov/expapi/verbs/registered", "registered for")
TYPES = {
    "webinar": "http://id.tincanapi.com/activitytype/webinar",
    "meeting": "http://adlnet.gov/expapi/activities/meeting",
}
PATHS = {"webinar": "w", "meeting": "j"}
OPTIONS = {"webinarId": "webinar", "meetingId": "meeting"}
ROOM = "payload.object"
BLANK = frozenset({None, "--"})
FORMATS = (
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%b %d, %Y %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p",
)
EMAIL = ("Email", "User Email", "Email Address")
NAME = ("User Name (Original Name)", "Name (Original Name)", "User Name")
MINUTES = ("Time in Session (minutes)", "Duration (Minutes)", "Total Duration (Minutes)")
MOST_MINUTES = 60 * 24 * 31


def zoom_attendance(record: Record, context: Context) -> Made:
    """Tell who registered and who attended, from Zoom's webhooks or its attendee report."""
    if record.get("event") is None:
        return _of_row(record, context)
    event = record.needed("event")
    kind, _, what = event.partition(".")
    if kind not in TYPES:
        return Skip("the event is about neither a webinar nor a meeting")
    match what:
        case "participant_left":
            return _left(record, kind)
        case "registration_created":
            return _registered(record, kind)
        case "participant_joined":
            return Skip("attendance is told when the participant leaves")
        case _:
            return Skip(f"the event {event[:60]} tells of nobody who attends or registers")


def _left(record: Record, kind: str) -> Made:
    path = f"{ROOM}.participant"
    held = record.text(f"{ROOM}.uuid") or record.needed(f"{ROOM}.id")
    actor, identity = _person(record, path, held)
    joined, left = record.moment(f"{path}.join_time"), record.moment(f"{path}.leave_time")
    at = left or record.moment("event_ts")
    if at is None:
        raise RecordFault(f"{path}.leave_time", "is missing")
    seconds = _between(joined, left, f"{path}.leave_time")
    room = _room(kind, record.needed(f"{ROOM}.id"), record.text(f"{ROOM}.topic"))
    return _attended(actor, room, at=at, seconds=seconds, of=session(held, identity))


def _registered(record: Record, kind: str) -> Made:
    path = f"{ROOM}.registrant"
    number = record.needed(f"{ROOM}.id")
    actor, _ = _person(record, path, number)
    at = record.moment(f"{path}.create_time") or record.moment("event_ts")
    if at is None:
        raise RecordFault("event_ts", "is missing")
    room = _room(kind, number, record.text(f"{ROOM}.topic"))
    return statement(actor=actor, verb=REGISTERED, object=room, at=at, context={"platform": "Zoom"})


def _of_row(record: Record, context: Context) -> Made:
    kind, number = _held(context)
    if (record.text("Attended") or "").lower() == "no":
        return Skip("the person did not attend")
    column = _filled(record, EMAIL)
    if column is None:
        raise RecordFault(EMAIL[0], "is missing, and nothing else identifies the person")
    email = record.mailbox(column)
    joined, left = _moment(record, "Join Time", context), _moment(record, "Leave Time", context)
    at = left or joined
    if at is None:
        raise RecordFault("Leave Time", "is missing")
    seconds = _between(joined, left, "Leave Time")
    return _attended(
        agent(email, _name(record)),
        _room(kind, number, context.option("topic", "") or None),
        at=at,
        seconds=_seconds(record) if seconds is None else seconds,
        of=session(number, email.lower()),
    )


def _attended(
    actor: StatementMap, room: StatementMap, *, at: datetime, seconds: float | None, of: str
) -> StatementMap:
    return statement(
        actor=actor,
        verb=ATTENDED,
        object=room,
        at=at,
        result=None if seconds is None else {"duration": duration(seconds)},
        context={"registration": of, "platform": "Zoom"},
    )


def _room(kind: str, number: str, topic: str | None) -> StatementMap:
    digits = quote("".join(number.split()), safe="", errors="replace")
    return activity(f"{HOME_PAGE}/{PATHS[kind]}/{digits}", TYPES[kind], topic)


def _held(context: Context) -> tuple[str, str]:
    for option, kind in OPTIONS.items():
        number = context.options.get(option)
        if isinstance(number, str | int) and str(number).strip():
            return kind, str(number).strip()
    raise RecordFault("", "the option webinarId is missing, which says what was attended")


def _person(record: Record, path: str, held: str) -> tuple[StatementMap, str]:
    name = record.text(f"{path}.user_name") or _joined(record, path, ("first_name", "last_name"))
    if record.text(f"{path}.email"):
        email = record.mailbox(f"{path}.email")
        return agent(email, name), email.lower()
    for field in ("id", "participant_user_id", "registrant_id"):
        if known := record.text(f"{path}.{field}"):
            return account(known, HOME_PAGE, name), known
    if guest := record.text(f"{path}.user_id"):
        # Zoom counts user_id anew in each meeting: alone it would make one person of many.
        known = f"{held}/{guest}"
        return account(known, HOME_PAGE, name), known
    raise RecordFault(f"{path}.email", "is missing, and nothing else identifies the person")


def _name(record: Record) -> str | None:
    column = _filled(record, NAME)
    return record.text(column) if column else _joined(record, "", ("First Name", "Last Name"))


def _joined(record: Record, path: str, fields: tuple[str, ...]) -> str | None:
    names = (record.text(f"{path}.{field}" if path else field) for field in fields)
    return " ".join(name for name in names if name and name not in BLANK) or None


def _filled(record: Record, columns: tuple[str, ...]) -> str | None:
    return next((one for one in columns if record.text(one) not in BLANK), None)


def _moment(record: Record, column: str, context: Context) -> datetime | None:
    if record.text(column) in BLANK:
        return None
    form = context.option("dateFormat", "")
    return record.moment(column, formats=[form] if form else FORMATS, zone=context.zone())


def _between(joined: datetime | None, left: datetime | None, path: str) -> float | None:
    if joined is None or left is None:
        return None
    if left < joined:
        raise RecordFault(path, "is before the time of joining")
    return (left - joined).total_seconds()


def _seconds(record: Record) -> float | None:
    column = _filled(record, MINUTES)
    minutes = record.number(column) if column else None
    if column is None or minutes is None:
        return None
    if not 0 <= minutes <= MOST_MINUTES:
        raise RecordFault(column, "must be the minutes of a stay")
    return minutes * 60
