"""Declarative recipes: JSON whose texts are Handlebars templates, one statement for each record.

    {"when": "{{eq status 'done'}}",
     "actor": {"mbox": "mailto:{{email}}"},
     "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
     "object": {"id": "{{url}}", "definition": {"name": {"en": "{{title}}"}}},
     "result": {"score": {"raw": "{{{points}}}"}, "success": "{{{gte points 50}}}"},
     "timestamp": "{{finished_at}}"}

What renders to nothing is left out. A text that is one `{{{...}}}` and nothing else stands for a
number, a truth value or any other JSON. `join` names tables, and the field whose value is looked up
in each; the record found stands under the table's name. Pure: rendering is done elsewhere.
"""

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping

from hub.recipes.context import Context
from hub.recipes.faults import RecordFault, Skip
from hub.recipes.kit import Made, Members, timestamp
from hub.recipes.record import Record
from hub.xapi.flaw import point

PARTS = ("actor", "verb", "object", "result", "context", "timestamp")
NEEDED = ("actor", "verb", "object")
WHEN, JOIN = "when", "join"
MUSTACHE = re.compile(r"(\{\{\{.*?\}\}\}|\{\{.*?\}\})", re.DOTALL)
WHOLE = re.compile(r"\{\{\{(?P<inner>[^{}]+)\}\}\}", re.DOTALL)
BARE = secrets.token_hex(16)
"""Before a text that stands for JSON. No record can hold it: every process has its own."""
DEEPEST = 40
TOO_DEEP = f"renders to JSON that is nested more than {DEEPEST} levels deep"
MOST_TEXTS = 200
NOTHING = {"", "false"}


class BadRecipe(Exception):
    """Options that make no recipe; `pointer` says where."""

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(f"{pointer}: {reason}")
        self.pointer = pointer
        self.reason = reason


def texts_of(options: Mapping[str, object]) -> list[tuple[str, str]]:
    """Give every template of a recipe with its place, as a JSON pointer. Raises BadRecipe."""
    for name in options:
        if name not in (*PARTS, WHEN, JOIN):
            raise BadRecipe(point(name), f"is none of {', '.join((*PARTS, WHEN, JOIN))}")
    for name in NEEDED:
        if name not in options:
            raise BadRecipe(point(name), "is missing")
    if not isinstance(options.get(WHEN, ""), str):
        raise BadRecipe(point(WHEN), "must be a template")
    join = options.get(JOIN, {})
    if not isinstance(join, Mapping) or not all(isinstance(one, str) for one in join.values()):
        raise BadRecipe(point(JOIN), "must name a field for each table")
    found = [one for name in (*PARTS, WHEN) for one in _texts(options.get(name), point(name))]
    if len(found) > MOST_TEXTS:
        raise BadRecipe("", f"must have at most {MOST_TEXTS} templates")
    return found


def template_of(options: Mapping[str, object]) -> str:
    """Write the one template that renders a whole statement as JSON, `when` among it."""
    members = {name: options[name] for name in (*PARTS, WHEN) if name in options}
    return _written(members)


def row_of(record: Record, context: Context, options: Mapping[str, object]) -> Members:
    """Give what the template is rendered on. Raises RecordFault for a table that is not there."""
    join = options.get(JOIN)
    joined: Members = {}
    for table, path in join.items() if isinstance(join, Mapping) else ():
        found = context.lookup(str(table), record.text(str(path)))
        joined[str(table)] = dict(found.fields) if found else None
    return {
        "data": {**record.fields, **joined},
        "record": {"line": record.line, "headers": dict(record.headers)},
    }


def statement_of(rendered: str, options: Mapping[str, object]) -> Made:
    """Read what was rendered. Raises RecordFault."""
    made = _read(json.loads(rendered), "")
    members = made if isinstance(made, dict) else {}
    if WHEN in options and str(members.pop(WHEN, "")).strip() in NOTHING:
        return Skip("the condition of the recipe does not hold")
    for name in NEEDED:
        if name not in members:
            raise RecordFault(name, "renders to nothing")
    written = members.get("timestamp")
    if written is not None:
        moment = Record({"timestamp": written}).moment("timestamp")
        members["timestamp"] = timestamp(moment) if moment else written
    return members


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield place, value
        case Mapping():
            for name, member in value.items():
                yield from _texts(member, place + point(str(name)))
        case list():
            for number, member in enumerate(value):
                yield from _texts(member, f"{place}/{number}")
        case _:
            return


def _written(value: object) -> str:
    match value:
        case str():
            return _text(value)
        case Mapping():
            members = (f"{json.dumps(str(name))}: {_written(one)}" for name, one in value.items())
            # The space keeps Handlebars from seeing three braces where JSON ends.
            return "{ " + ", ".join(members) + " }"
        case list():
            return "[" + ", ".join(_written(one) for one in value) + "]"
        case _:
            return json.dumps(value)


def _text(text: str) -> str:
    if whole := WHOLE.fullmatch(text.strip()):
        return f'"{BARE}{{{{{whole["inner"]}}}}}"'
    parts = (
        part if MUSTACHE.fullmatch(part) else json.dumps(part)[1:-1]
        for part in MUSTACHE.split(text)
    )
    return '"' + "".join(parts) + '"'


def _read(value: object, place: str) -> object:
    match value:
        case str() if value.startswith(BARE):
            return _bare(value.removeprefix(BARE).strip(), place)
        case str():
            return value.strip() or None
        case dict():
            members = {
                name: _read(one, f"{place}.{name}" if place else name)
                for name, one in value.items()
            }
            return {name: one for name, one in members.items() if one is not None} or None
        case list():
            found = [_read(one, place) for one in value]
            return [one for one in found if one is not None] or None
        case _:
            return value


def _bare(text: str, place: str) -> object:
    if not text:
        return None
    try:
        found: object = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except ValueError:
        raise RecordFault(place, f"renders to {text[:60]!r}, which is no JSON") from None
    except RecursionError:
        raise RecordFault(place, TOO_DEEP) from None
    if _is_too_deep(found):
        raise RecordFault(place, TOO_DEEP)
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not abs(number) < float("inf"):
        raise ValueError(text)
    return number


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in _members(one)]
    return bool(level)


def _members(value: object) -> Iterable[object]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()
