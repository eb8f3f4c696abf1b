"""What a template has made: a row is one JSON object, on one line. Pure."""

import json

import msgspec

from hub.templates.trap import Told

LONGEST_SHOWN = 60
LONGEST_MADE = 4000

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def finished(told: Told, template: str) -> Told:
    """Make a row's text one line; or say where it is no JSON object.

    Only what stands between values may be changed: numbers and texts stay as they were made.
    """
    row = told.get("row")
    if row is None:
        return told
    try:
        _object.decode(row)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return {**_complaint(row, template), "made": _shown(row)}
    # In JSON, a line can only end between two values.
    return {"row": row.replace("\r", " ").replace("\n", " ").strip()}


def _complaint(row: str, template: str) -> Told:
    if not row.strip():
        return {"detail": "makes nothing; a row must be one JSON object"}
    try:
        made = json.loads(row)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno} of what it makes"
        near = row[max(0, error.pos - LONGEST_SHOWN // 2) : error.pos + LONGEST_SHOWN // 2]
        detail = f"makes no JSON: {error.msg} at {where}, near {near!r}"
        # Values make no lines: where there are as many as in the template, they are the same ones.
        is_parallel = row.count("\n") == template.count("\n")
        return {"detail": detail} | ({"line": error.lineno} if is_parallel else {})
    except RecursionError:
        return {"detail": "makes JSON that is nested too deeply"}
    if isinstance(made, dict):
        words = "makes JSON with a value that JSON does not have, such as NaN or a lone surrogate"
        return {"detail": words}
    return {"detail": f"makes no JSON object, but {row.strip()[:LONGEST_SHOWN]!r}"}


def _shown(row: str) -> str:
    return row[:LONGEST_MADE].encode("utf-8", "replace").decode()
