"""crm-activity: calls, meetings, e-mails and sales of a sales team, from Salesforce or HubSpot.

Takes Task, Event and Opportunity of Salesforce, and the calls, meetings and e-mails of HubSpot. The
actor is the owner: by mailbox, if the record or the lookup table `owners` (another with the option
`table`; its column `email`) has it, and else by an account at the option `homePage`, where the ids
of activities begin too. What is planned, inbound, or not yet over makes no statement.
"""

import re
from collections.abc import Mapping
from datetime import datetime

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
    statement,
    verb,
)

CALL = "http://activitystrea.ms/schema/1.0/event"
MEETING = "http://adlnet.gov/expapi/activities/meeting"
EMAIL = "http://id.tincanapi.com/activitytype/email"
OPPORTUNITY = "http://id.tincanapi.com/activitytype/sales-opportunity"
CREATED = verb("http://id.tincanapi.com/verb/created-opportunity", "created opportunity")
CLOSED = verb("http://id.tincanapi.com/verb/closed-sale", "closed sale")
KINDS = {
    "call": (verb("http://id.tincanapi.com/verb/called", "called"), CALL),
    "meeting": (verb("http://adlnet.gov/expapi/verbs/attended", "attended"), MEETING),
    "email": (verb("http://activitystrea.ms/schema/1.0/send", "sent"), EMAIL),
}
SALESFORCE, HUBSPOT = "https://login.salesforce.com", "https://app.hubspot.com"
OF = "properties"
MARKS: dict[str, tuple[str, ...]] = {
    "call": ("hs_call_",),
    "meeting": ("hs_meeting_",),
    "email": ("hs_email_subject", "hs_email_direction"),
}
TITLES = {"call": "hs_call_title", "meeting": "hs_meeting_title", "email": "hs_email_subject"}
HELD = frozenset({"", "completed"})
ID = re.compile(r"[\w-]+", re.ASCII)
LONGEST_SECONDS = 31 * 24 * 3600
NOT_YET = Skip("it has not taken place yet")
NO_ACTIVITY = Skip("it is neither a call, a meeting nor an e-mail")
INBOUND = Skip("it came in: the owner did not begin it")


def crm_activity(record: Record, context: Context) -> Made:
    """Tell of calls, meetings, e-mails and sales, from records of Salesforce or HubSpot."""
    if record.get(OF) is not None:
        return _hubspot(record, context)
    kind = record.needed("attributes.type")
    match kind:
        case "Task" | "Event":
            return _salesforce(record, context, is_event=kind == "Event")
        case "Opportunity":
            return _opportunity(record, context)
        case _:
            return Skip(f"a record of the type {kind[:60]} is no activity")


def _salesforce(record: Record, context: Context, *, is_event: bool) -> Made:
    named = [(record.text(name) or "").lower() for name in ("TaskSubtype", "Type")]
    kind = next((one for one in named if one in KINDS), "meeting" if is_event else None)
    if kind is None:
        return NO_ACTIVITY
    closed = record.text("IsClosed") == "true" or record.text("Status") == "Completed"
    if not is_event and not closed:
        return Skip("the task is not completed")
    if (record.text("CallType") or "").lower() == "inbound":
        return INBOUND
    over = ("EndDateTime", "ActivityDateTime", "StartDateTime", "ActivityDate")
    done = ("CompletedDateTime", "ActivityDate", "LastModifiedDate")
    at = _first_moment(record, over if is_event else done)
    if is_event and at > context.landed_at:
        return NOT_YET
    minutes, seconds = ("DurationInMinutes", 60.0), ("CallDurationInSeconds", 1.0)
    verb_, type_ = KINDS[kind]
    return statement(
        actor=_salesforce_owner(record, context, "Owner"),
        verb=verb_,
        object=activity(_iri(record, "Id", context, SALESFORCE), type_, record.text("Subject")),
        at=at,
        result=_lasting(record, *(minutes if is_event else seconds)),
        context={"platform": "Salesforce"},
    )


def _opportunity(record: Record, context: Context) -> Made:
    iri = _iri(record, "Id", context, SALESFORCE)
    sale = activity(iri, OPPORTUNITY, record.text("Name"))
    by = "CreatedBy" if record.text("CreatedBy.Email") else "Owner"
    told = [(CREATED, _first_moment(record, ("CreatedDate",)), by)]
    if record.text("StageName") == "Closed Won":
        won = ("LastStageChangeDate", "CloseDate", "LastModifiedDate")
        told.append((CLOSED, _first_moment(record, won), "Owner"))
    return [
        statement(
            actor=_salesforce_owner(record, context, who),
            verb=did,
            object=sale,
            at=at,
            context={"platform": "Salesforce"},
        )
        for did, at, who in told
    ]


def _hubspot(record: Record, context: Context) -> Made:
    properties = record.get(OF)
    if not isinstance(properties, Mapping):
        raise RecordFault(OF, "must be an object")
    given = [str(name) for name, value in properties.items() if value not in (None, "")]
    kind = next((one for one in KINDS if any(n.startswith(MARKS[one]) for n in given)), None)
    if kind is None:
        return NO_ACTIVITY
    directions = (record.text(f"{OF}.hs_{one}_direction") or "" for one in ("call", "email"))
    if any(one.upper().startswith("INCOMING") or one.upper() == "INBOUND" for one in directions):
        return INBOUND
    outcomes = (record.text(f"{OF}.{one}") for one in ("hs_call_status", "hs_meeting_outcome"))
    if any((one or "").lower() not in HELD for one in outcomes):
        return Skip("it did not come about")
    meeting = (f"{OF}.hs_meeting_end_time", f"{OF}.hs_meeting_start_time")
    at = _first_moment(record, (*(meeting if kind == "meeting" else ()), f"{OF}.hs_timestamp"))
    if kind == "meeting" and at > context.landed_at:
        return NOT_YET
    verb_, type_ = KINDS[kind]
    name = record.text(f"{OF}.{TITLES[kind]}")
    begun, ended = (record.moment(one) for one in reversed(meeting))
    if begun and ended and ended < begun:
        raise RecordFault(meeting[0], "is before the time of the start")
    spent = {"duration": duration((ended - begun).total_seconds())} if begun and ended else None
    return statement(
        actor=_owner(record, context, owner=f"{OF}.hubspot_owner_id", home=HUBSPOT),
        verb=verb_,
        object=activity(_iri(record, "id", context, HUBSPOT, f"{kind}s/"), type_, name),
        at=at,
        result=spent if kind == "meeting" else _lasting(record, f"{OF}.hs_call_duration", 0.001),
        context={"platform": "HubSpot"},
    )


def _salesforce_owner(record: Record, context: Context, who: str) -> StatementMap:
    name = record.text(f"{who}.Name")
    if record.text(f"{who}.Email"):
        return agent(record.mailbox(f"{who}.Email"), name)
    return _owner(record, context, owner=f"{who}Id", home=SALESFORCE, name=name)


def _owner(
    record: Record, context: Context, *, owner: str, home: str, name: str | None = None
) -> StatementMap:
    table = context.option("table", "owners")
    known = record.needed(owner)
    looked = "table" in context.options or table in context.tables
    found = context.lookup(table, known) if looked else None
    if found and found.text("email"):
        return agent(found.mailbox("email"), found.text("name") or name)
    return account(known, context.home_page(home), name)


def _iri(record: Record, path: str, context: Context, home: str, below: str = "") -> str:
    known = record.needed(path)
    if not ID.fullmatch(known):
        raise RecordFault(path, "must be an id of letters and digits")
    return f"{context.home_page(home)}/{below}{known}"


def _first_moment(record: Record, paths: tuple[str, ...]) -> datetime:
    found = next((one for one in map(record.moment, paths) if one is not None), None)
    if found is None:
        raise RecordFault(paths[0], "is missing")
    return found


def _lasting(record: Record, path: str, unit_seconds: float) -> StatementMap | None:
    found = record.number(path)
    if found is None:
        return None
    if not 0 <= found * unit_seconds <= LONGEST_SECONDS:
        raise RecordFault(path, "must be the length of a call or a meeting")
    return {"duration": duration(found * unit_seconds)}
