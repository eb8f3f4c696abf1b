"""The form of a source: its JSON as fields, fields as its JSON, and where a flaw belongs. Pure.

Fields are named by their place in the JSON, with dots: `auth.username`. What is a map or a list
is written in lines.
"""

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hub.portal.fields import whole_number

Facts = dict[str, Any]
Form = Mapping[str, str]

MOST_LOOKUPS = 10
SPARE_LOOKUPS = 2
"""Empty rows that a form offers beside those that are filled."""
TO = "to."
"""What the names of the boxes of integrations begin with."""

READING = ("format", "delimiter", "encoding", "columns", "records")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "csv": READING,
    "webhook": (
        *("signature.scheme", "signature.header", "signature.algorithm", "signature.encoding"),
        *("signature.prefix", "signature.timestampHeader", "signature.signed"),
        *("signature.idHeader", "signature.toleranceSeconds", "signature.username"),
        *("secret", "records", "ratePerSecond"),
    ),
    "poll": (
        *("url", "intervalSeconds", "headers"),
        *("auth.type", "auth.username", "auth.password", "auth.header", "auth.token"),
        *("auth.tokenUrl", "auth.clientId", "auth.clientSecret", "auth.scope", "auth.tokenAuth"),
        *("paging.type", "paging.field", "paging.parameter", "paging.first", "paging.size"),
        *("paging.sizeParameter", "paging.mostPages"),
        *("cursor.field", "cursor.parameter", "cursor.overlapSeconds", "cursor.initial"),
        *READING,
    ),
    "bucket": (
        *("url", "prefix", "endpoint", "region", "accessKeyId", "secretAccessKey"),
        *("intervalSeconds", "secret", "topicArn"),
        *READING,
    ),
}
EVERYWHERE = (
    *("name", "status", "recipe", "recipeOptions", "integrations", "identity", "lookups"),
    "retentionDays",
)
NUMBERS = frozenset(
    {
        *("signature.toleranceSeconds", "ratePerSecond", "intervalSeconds", "paging.first"),
        *("paging.size", "paging.mostPages", "cursor.overlapSeconds"),
    }
)
CHOSEN = {
    "signature": "signature.scheme",
    "auth": "auth.type",
    "paging": "paging.type",
    "cursor": "cursor.field",
}
"""Where a flaw of a whole part is told."""
DEFAULTS: Mapping[str, Form] = {
    "csv": {},
    "webhook": {"signature.scheme": "github", "ratePerSecond": "500"},
    "poll": {"intervalSeconds": "300", "auth.type": "none", "paging.type": "none"},
    "bucket": {"intervalSeconds": "300"},
}


class Unreadable(Exception):
    """What cannot be read of a field; says why."""


def new(kind: str) -> dict[str, str]:
    """Give the fields of a source that is not there yet."""
    common = {"status": "active", "retentionDays": "90", "whom": "all"}
    return {**common, **DEFAULTS[kind]}


def written(source: Facts) -> dict[str, str]:
    """Give the fields of a source as it is."""
    form: dict[str, str] = {}
    for name in (*EVERYWHERE, *FIELDS[source["kind"]]):
        value = _found(source, name)
        if value is not None and name not in WRITERS:
            form[name] = str(value)
    for name, write in WRITERS.items():
        if source.get(name):
            form[name] = write(source[name])
    form |= _lookup_fields(source.get("lookups", {}))
    chosen = source.get("integrations", "all")
    form["whom"] = "all" if chosen == "all" else "these"
    form |= {f"{TO}{one}": "yes" for one in chosen if chosen != "all"}
    return form


def said(kind: str, form: Form) -> tuple[Facts, dict[str, str]]:
    """Give the JSON that a form says, and what of it cannot be read, by field."""
    whole: Facts = {"kind": kind, "name": form.get("name", "")}
    errors: dict[str, str] = {}
    whole["status"] = form.get("status", "active")
    whole["recipe"] = form.get("recipe") or None
    whole["identity"] = _split(form.get("identity", ""))
    whole["retentionDays"] = whole_number(form.get("retentionDays", "")) or None
    whole["integrations"] = _integrations(form)
    whole["lookups"] = _lookups(form)
    for name in FIELDS[kind]:
        if name in form and name not in READERS:
            _put(whole, name, form[name])
    for name, read in READERS.items():
        if name == "recipeOptions" or name in FIELDS[kind]:
            try:
                whole[name] = read(form.get(name, ""))
            except Unreadable as error:
                errors[name] = str(error)
    if kind == "poll" and not form.get("cursor.field") and not form.get("cursor.parameter"):
        whole["cursor"] = None
    return whole, errors


def placed(kind: str, flaws: Mapping[str, str]) -> dict[str, str]:
    """Give what is wrong by the field that it is told beside; flaws are named by JSON pointers."""
    known = {*EVERYWHERE, *FIELDS[kind]}
    errors: dict[str, str] = {}
    for pointer, told in flaws.items():
        first, *rest = pointer.lstrip("/").split("/")
        dotted = ".".join([first, *rest])
        if dotted in known:
            errors[dotted] = told
        elif first in CHOSEN:
            errors[CHOSEN[first]] = told
        else:
            where = f"{'.'.join(rest)}: " if rest and first != "integrations" else ""
            errors.setdefault(first, f"{where}{told}")
    return errors


def record_of(sample: str, columns: object = None) -> Facts:
    """Read a sample: one JSON object, or a line of names and a row of CSV. Raises Unreadable."""
    if sample.lstrip()[:1] in ("{", "["):
        found = _json(sample)
        if not isinstance(found, dict):
            raise Unreadable("must be one record: a JSON object, or names and a row of CSV")
        return found
    lines = [line for line in sample.splitlines() if line.strip()]
    names = list(columns) if isinstance(columns, list) else None
    if len(lines) < (1 if names else 2):
        raise Unreadable("must be one record: a JSON object, or names and a row of CSV")
    delimiter = max(",;\t|", key=lines[0].count)
    rows = csv.DictReader(lines, fieldnames=names, delimiter=delimiter, restval="")
    row = {name: value for name, value in next(rows).items() if isinstance(name, str)}
    renamed = columns if isinstance(columns, dict) else {}
    return {str(renamed.get(name, name)): value for name, value in row.items()}


def _found(source: Facts, name: str) -> object:
    outer, _, last = name.rpartition(".")
    inner = source.get(outer) if outer else source
    return inner.get(last) if isinstance(inner, Mapping) else None


def _put(whole: Facts, name: str, text: str) -> None:
    outer, _, last = name.rpartition(".")
    inner = whole.setdefault(outer, {}) if outer else whole
    if name in NUMBERS:
        if text:
            inner[last] = whole_number(text)
    elif text or last in ("prefix", "records"):
        inner[last] = text
    elif not outer:
        # Sent back empty, a setting is taken away; a secret that is blank stays.
        inner[last] = None


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.replace("\n", ",").split(",") if one.strip()]


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"at line {error.lineno}, column {error.colno}"
        raise Unreadable(
            f"is no JSON, {place}: a comma, a quote or a brace too few or too many"
        ) from None
    except (ValueError, RecursionError):
        raise Unreadable("is no JSON that can be read") from None


def _options(text: str) -> Facts:
    found = _json(text) if text else {}
    if not isinstance(found, dict):
        raise Unreadable("must be a JSON object")
    return found


def _columns(text: str) -> dict[str, str] | list[str] | None:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any("=" in line for line in lines):
        return _pairs(lines, "=")
    return lines or None


def _headers(text: str) -> dict[str, str]:
    return _pairs([line.strip() for line in text.splitlines() if line.strip()], ":")


def _pairs(lines: Iterable[str], between: str) -> dict[str, str]:
    pairs = {}
    for line in lines:
        name, found, value = line.rpartition(between) if between == "=" else line.partition(between)
        if not found or not name.strip():
            raise Unreadable(f"every line needs a name, {between!r} and a value; not {line[:50]!r}")
        pairs[name.strip()] = value.strip()
    return pairs


def _integrations(form: Form) -> str | list[str]:
    if form.get("whom", "all") == "all":
        return "all"
    boxes = [name.removeprefix(TO) for name in form if name.startswith(TO)]
    return [*boxes, *(one for one in _split(form.get("further", "")) if one not in boxes)]


def _lookups(form: Form) -> Facts:
    rows = [
        [form.get(f"lookup.{row}.{part}", "") for part in ("name", "source", "key")]
        for row in range(MOST_LOOKUPS)
    ]
    return {name: {"source": source, "key": key} for name, source, key in rows if name}


def _lookup_fields(lookups: Facts) -> dict[str, str]:
    return {
        f"lookup.{row}.{part}": value
        for row, (name, lookup) in enumerate(lookups.items())
        for part, value in (("name", name), ("source", lookup["source"]), ("key", lookup["key"]))
    }


def _column_lines(columns: Facts | list[str]) -> str:
    if isinstance(columns, list):
        return "\n".join(columns)
    return "\n".join(f"{name} = {known}" for name, known in columns.items())


def _header_lines(headers: Facts) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


READERS: Mapping[str, Callable[[str], object]] = {
    "recipeOptions": _options,
    "columns": _columns,
    "headers": _headers,
}
WRITERS: Mapping[str, Callable[[Any], str]] = {
    "recipeOptions": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
    "columns": _column_lines,
    "headers": _header_lines,
    "identity": ", ".join,
    "lookups": lambda _: "",
    "integrations": lambda _: "",
}
