"""Events in the OpenAPI document: their routes answer bytes, so FastAPI cannot see their shape."""

from typing import Any

from hub.events.event import EventType
from hub.events.fields import LONGEST_CATEGORY, LONGEST_OWN_PART, REQUIRED, TEXTS

Node = dict[str, Any]  # an OpenAPI document is whatever JSON it is


def _ref(name: str) -> Node:
    return {"$ref": f"#/components/schemas/{name}"}


def _text(longest: int) -> Node:
    return {"type": "string", "minLength": 1, "maxLength": longest}


def _or_null(schema: Node) -> Node:
    return {"anyOf": [schema, {"type": "null"}]}


def _json(words: str, schema: Node) -> Node:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


_TIME: Node = {
    "type": "string",
    "format": "date-time",
    "description": "with Z or an offset; answered in UTC",
}
_CATEGORY: Node = {
    "type": "object",
    "properties": {
        "value": _text(LONGEST_CATEGORY),
        "label": _or_null(_text(LONGEST_CATEGORY)),
    },
    "required": ["value"],
    "additionalProperties": False,
}
_ID: Node = {
    **_text(26 + LONGEST_OWN_PART),
    "description": "begins with the program's id and a hyphen; left out, the hub makes one",
}
_PROGRAM_ID: Node = {"type": "string", "pattern": "^[A-Za-z0-9_.]{1,25}$"}
_NEW_EVENT: Node = {
    "type": "object",
    "properties": {
        "EventId": _or_null(_ID),
        "PublisherProgramId": _PROGRAM_ID,
        "EventType": {"type": "string", "enum": list(EventType)},
        **{name: _or_null(_text(longest)) for name, longest in TEXTS.items()},
        "PublisherParticipantId": _text(TEXTS["PublisherParticipantId"]),
        "PublisherEventCategory": {"anyOf": [_CATEGORY, _text(LONGEST_CATEGORY), {"type": "null"}]},
        "PublisherEventData": {"description": "any JSON; kept as it is written"},
        "EventStartUtc": {**_TIME, "description": "or EventStartUTC; with Z or an offset"},
        "EventEndUtc": _or_null(_TIME),
    },
    "required": [*REQUIRED, "EventStartUtc"],
}
_EVENT: Node = {
    "type": "object",
    "properties": {
        "EventId": {"type": "string"},
        "EventType": {"type": "string", "enum": list(EventType)},
        "PublisherProgramId": _PROGRAM_ID,
        "PublisherSystemId": _or_null({"type": "string"}),
        "PublisherEventId": _or_null({"type": "string"}),
        "PublisherParticipantId": {"type": "string"},
        "PublisherEventCategory": _or_null(_CATEGORY),
        "PublisherEventData": {"description": "the JSON that was published"},
        "EventStartUtc": _TIME,
        "EventEndUtc": _or_null(_TIME),
        "CreatedUtc": _TIME,
    },
    "required": ["EventId", "EventType", "PublisherProgramId", "PublisherEventData", "CreatedUtc"],
}
_PAGE: Node = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": _ref("Event")},
        "next": _or_null({"type": "string", "description": "the cursor of the next page"}),
    },
    "required": ["items", "next"],
}
_NEW_EVENTS: Node = {
    "oneOf": [_ref("NewEvent"), {"type": "array", "items": _ref("NewEvent"), "minItems": 1}]
}

EVENT_SCHEMAS: Node = {"NewEvent": _NEW_EVENT, "Event": _EVENT, "EventPage": _PAGE}
EVENT_OPERATIONS: Node = {
    "/api/events": {
        "post": {
            "tags": ["Events"],
            "operationId": "post_events",
            "summary": "Publish an event, or an array of them: all or none.",
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _NEW_EVENTS}},
            },
            "responses": {
                "201": {
                    # Not as a schema: for one event there is no body to hold against it.
                    "description": "Published. For one event there is no body; for an array, "
                    'JSON: [{"EventId": "...", "Location": "/events/..."}, ...] in order.',
                    "headers": {
                        "Location": {"description": "of one event", "schema": {"type": "string"}}
                    },
                }
            },
        }
    },
    "/api/events/{event_id}": {
        "get": {
            "responses": {
                "200": _json(
                    "An event; for the id of a program, a page of what it has published",
                    {"anyOf": [_ref("Event"), _ref("EventPage")]},
                )
            }
        }
    },
    "/api/programs/{program_id}/events": {
        "get": {"responses": {"200": _json("A page of events", _ref("EventPage"))}}
    },
}
