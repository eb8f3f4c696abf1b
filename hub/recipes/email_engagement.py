"""email-engagement: who opens e-mails of Mailchimp, follows links, subscribes and unsubscribes.

Takes webhooks of Mailchimp Transactional (Mandrill), webhooks of Mailchimp's audiences, and rows of
a campaign's activity. Options, all for rows: `campaign` names the campaign, by an address or a
name; `columns` names columns that are called otherwise, by email, action, timestamp, campaign and
url; `timezone` and `dateFormat` say how times are written.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from urllib.parse import quote

from hub.recipes.kit import (
    Context,
    Made,
    Record,
    RecordFault,
    Skip,
    StatementMap,
    activity,
    agent,
    statement,
    verb,
)
from hub.recipes.record import ADDRESS

VIEWED = verb("http://id.tincanapi.com/verb/viewed", "viewed")
ACCESSED = verb("http://activitystrea.ms/schema/1.0/access", "accessed")
REGISTERED = verb("http://adlnet.gov/expapi/verbs/registered", "registered for")
UNREGISTERED = verb("http://id.tincanapi.com/verb/unregistered", "unregistered from")
EMAIL = "http://id.tincanapi.com/activitytype/email"
LINK = "http://adlnet.gov/expapi/activities/link"
AUDIENCE = "http://activitystrea.ms/schema/1.0/group"
OPENS = frozenset({"open", "opens", "opened"})
CLICKS = frozenset({"click", "clicks", "clicked"})
MEMBERSHIP = {"subscribe": REGISTERED, "unsubscribe": UNREGISTERED}
COLUMNS = {
    "email": ("Email Address", "Email", "email"),
    "action": ("Action", "action"),
    "timestamp": ("Timestamp", "timestamp"),
    "campaign": ("Title", "Campaign", "campaign"),
    "url": ("URL", "Url", "url"),
}
CONTEXT: StatementMap = {"platform": "Mailchimp"}


def email_engagement(record: Record, context: Context) -> Made:
    """Tell who opens e-mails, follows links and subscribes, from Mailchimp's webhooks or files."""
    if record.fields.keys() & {"msg", "ts"}:
        return _of_message(record)
    if record.fields.keys() & {"data", "fired_at"}:
        return _of_audience(record)
    return _of_row(record, context)


def _of_message(record: Record) -> Made:
    event = record.needed("event").lower()
    if event not in OPENS | CLICKS:
        return Skip(f"the event {event[:60]} is no engagement")
    number = quote(record.needed("msg._id"), safe="", errors="replace")
    mail = activity(f"https://mandrillapp.com/messages/{number}", EMAIL, record.text("msg.subject"))
    person = agent(record.mailbox("msg.email"))
    at = _moment(record, "ts")
    if event in OPENS:
        return statement(actor=person, verb=VIEWED, object=mail, at=at, context=CONTEXT)
    return _clicked(person, record.address("url"), mail, at)


def _of_audience(record: Record) -> Made:
    kind = record.needed("type").lower()
    if kind not in MEMBERSHIP:
        return Skip(f"the event {kind[:60]} is no engagement")
    names = (record.text(f"data.merges.{one}") for one in ("FNAME", "LNAME"))
    audience = quote(record.needed("data.list_id"), safe="", errors="replace")
    return statement(
        actor=agent(record.mailbox("data.email"), " ".join(filter(None, names)) or None),
        verb=MEMBERSHIP[kind],
        object=activity(f"https://mailchimp.com/lists/{audience}", AUDIENCE),
        at=_moment(record, "fired_at"),
        context=CONTEXT,
    )


def _of_row(record: Record, context: Context) -> Made:
    columns = {name: _column(record, name, context.options) for name in COLUMNS}
    action = record.needed(columns["action"]).lower()
    if action not in OPENS | CLICKS:
        return Skip(f"the action {action[:60]} is no engagement")
    person = agent(record.mailbox(columns["email"]))
    mail = _campaign(record, columns["campaign"], context)
    at = _moment(
        record, columns["timestamp"], form=context.option("dateFormat", ""), zone=context.zone()
    )
    if action in OPENS:
        return statement(actor=person, verb=VIEWED, object=mail, at=at, context=CONTEXT)
    return _clicked(person, record.address(columns["url"]), mail, at)


def _clicked(person: StatementMap, url: str, mail: StatementMap, at: datetime) -> StatementMap:
    context = {**CONTEXT, "contextActivities": {"parent": [mail]}}
    return statement(
        actor=person, verb=ACCESSED, object=activity(url, LINK), at=at, context=context
    )


def _campaign(record: Record, column: str, context: Context) -> StatementMap:
    title, named = record.text(column), context.option("campaign", "").strip()
    known = named or title
    if not known:
        raise RecordFault(column, "is missing, and so is the option campaign")
    if ADDRESS.fullmatch(known):
        return activity(known, EMAIL, title if title != known else None)
    iri = f"https://mailchimp.com/campaigns/{quote(known, safe='', errors='replace')}"
    return activity(iri, EMAIL, title or known)


def _column(record: Record, name: str, options: Mapping[str, object]) -> str:
    named = options.get("columns") or {}
    if not isinstance(named, Mapping) or not all(isinstance(one, str) for one in named.values()):
        raise RecordFault("", "the option columns must name columns by columns")
    if unknown := named.keys() - COLUMNS.keys():
        known = ", ".join(COLUMNS)
        raise RecordFault("", f"the option columns has {min(unknown)!r}, which is none of {known}")
    if name in named:
        return str(named[name])
    names = COLUMNS[name]
    return next((one for one in names if one in record.fields), names[0])


def _moment(record: Record, path: str, *, form: str = "", zone: tzinfo = UTC) -> datetime:
    found = record.moment(path, formats=[form] if form else (), zone=zone)
    if found is None:
        raise RecordFault(path, "is missing")
    return found
