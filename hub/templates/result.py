"""What a template has made: a row is one JSON object, on one line. Pure."""

import json

import msgspec

from hub.templates.trap import Told

LONGEST_SHOWN = 60

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def finished(told: Told) -> Told:
    """Make a row's text one line; or say where it is no JSON object.

    Only what stands between values may be changed: numbers and texts stay as they were made.
    """
    row = told.get("row")
    if row is None:
        return told
    try:
        _object.decode(row)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {"detail": _complaint(row)}
    # In JSON, a line can only end between two values.
    return {"row": row.replace("\r", " ").replace("\n", " ").strip()}


def _complaint(row: str) -> str:
    if not row.strip():
        return "makes nothing; a row must be one JSON object"
    try:
        made = json.loads(row)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno} of what it makes"
        near = row[max(0, error.pos - LONGEST_SHOWN // 2) : error.pos + LONGEST_SHOWN // 2]
        return f"makes no JSON: {error.msg} at {where}, near {near!r}"
    except RecursionError:
        return "makes JSON that is nested too deeply"
    if isinstance(made, dict):
        return "makes JSON with a value that JSON does not have, such as NaN or a lone surrogate"
    return f"makes no JSON object, but {row.strip()[:LONGEST_SHOWN]!r}"
