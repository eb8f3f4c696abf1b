"""The templates of a subscription: which categories it wants, and the row each is made into. Pure.

    {"COURSE": {"action": "import", "label": "Courses", "importProcessId": 7,
                "batchRowTemplate": "{...}"},
     "WORK":   {"action": "ignore"},
     "*":      {...}}

`*` is for categories that are not named, and for events without one; `_default` is another name for
it. Without it, what is not named is ignored.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hub.templates.fault import BadTemplate
from hub.xapi import json_text
from hub.xapi.errors import InvalidJson
from hub.xapi.flaw import MOST_FLAWS, Flaw, point

DEFAULT, ALIAS = "*", "_default"
IMPORT, IGNORE = "import", "ignore"
KNOWN = frozenset({"action", "label", "importProcessId", "batchRowTemplate"})
MOST_ENTRIES = 200
LONGEST_KEY = 200
LONGEST_LABEL = 1000
LONGEST_PROCESS = 100
LONGEST_TEMPLATE = 64 * 1024


@dataclass(frozen=True, slots=True)
class ImportEntry:
    """How events of one category become rows. `key` is what the map calls it."""

    key: str
    import_process_id: str
    template: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class TemplateMap:
    """The entries by category; None is written where events are to be ignored."""

    entries: Mapping[str, ImportEntry | None] = field(default_factory=lambda: MappingProxyType({}))

    def entry_for(self, category: str | None) -> ImportEntry | None:
        """Find the entry for events of a category; None if they are ignored."""
        if category is not None and category in self.entries and category != DEFAULT:
            return self.entries[category]
        return self.entries.get(DEFAULT)

    def imports(self) -> Iterator[ImportEntry]:
        """Give the entries that make rows."""
        return (entry for entry in self.entries.values() if entry)


def parse(text: str) -> TemplateMap:
    """Read a map that stands in a text. Raises BadTemplate."""
    try:
        return read(json_text.read(text.encode("utf-8", "surrogatepass")))
    except InvalidJson as error:
        raise BadTemplate(error.errors) from error


def read(written: object) -> TemplateMap:
    """Read a map, or a string that holds one. Raises BadTemplate, with pointers into the map."""
    if isinstance(written, str):
        return parse(written)
    if not isinstance(written, Mapping):
        raise BadTemplate([Flaw("", "must be an object: templates by category")])
    if flaws := list(_flaws(written))[:MOST_FLAWS]:
        raise BadTemplate(flaws)
    return TemplateMap({_key(key): _entry(_key(key), entry) for key, entry in written.items()})


def _key(key: str) -> str:
    return DEFAULT if key == ALIAS else key


def _entry(key: str, written: Mapping[str, object]) -> ImportEntry | None:
    if written.get("action", IMPORT) == IGNORE:
        return None
    label = written.get("label")
    return ImportEntry(
        key=key,
        import_process_id=str(written["importProcessId"]),
        template=str(written["batchRowTemplate"]),
        label=None if label is None else str(label),
    )


def _flaws(written: Mapping[str, object]) -> Iterator[Flaw]:
    if len(written) > MOST_ENTRIES:
        yield Flaw("", f"has {len(written)} entries; at most {MOST_ENTRIES} are taken")
        return
    if DEFAULT in written and ALIAS in written:
        yield Flaw(point(ALIAS), f"is another name for {DEFAULT}, which is there too")
    for key, entry in written.items():
        if not 1 <= len(key) <= LONGEST_KEY:
            yield Flaw(point(key[:LONGEST_KEY]), f"must be 1 to {LONGEST_KEY} characters")
        elif not isinstance(entry, Mapping):
            yield Flaw(point(key), "must be an object")
        else:
            yield from _entry_flaws(point(key), entry)


def _entry_flaws(pointer: str, entry: Mapping[str, object]) -> Iterator[Flaw]:
    for name in entry.keys() - KNOWN:
        yield Flaw(pointer + point(name), "is not a key that is known here")
    action = entry.get("action", IMPORT)
    if action not in {IMPORT, IGNORE}:
        yield Flaw(f"{pointer}/action", f"must be {IMPORT} or {IGNORE}")
    label = entry.get("label")
    if label is not None and not (isinstance(label, str) and len(label) <= LONGEST_LABEL):
        yield Flaw(f"{pointer}/label", f"must be a string of at most {LONGEST_LABEL} characters")
    yield from _process_flaws(f"{pointer}/importProcessId", entry, required=action == IMPORT)
    yield from _template_flaws(f"{pointer}/batchRowTemplate", entry, required=action == IMPORT)


def _process_flaws(pointer: str, entry: Mapping[str, object], *, required: bool) -> Iterator[Flaw]:
    process = entry.get("importProcessId")
    if process is None:
        if required:
            yield Flaw(pointer, "is missing")
        return
    is_number = isinstance(process, int) and not isinstance(process, bool)
    is_text = isinstance(process, str) and 1 <= len(process) <= LONGEST_PROCESS
    if not (is_number or (is_text and str(process).isprintable())):
        yield Flaw(pointer, "must be the number of a Workflow Import Queue process")


def _template_flaws(pointer: str, entry: Mapping[str, object], *, required: bool) -> Iterator[Flaw]:
    template = entry.get("batchRowTemplate")
    if template is None:
        if required:
            yield Flaw(pointer, "is missing")
    elif not isinstance(template, str):
        yield Flaw(pointer, "must be a string: a Handlebars template")
    elif len(template) > LONGEST_TEMPLATE:
        yield Flaw(pointer, f"must have at most {LONGEST_TEMPLATE} characters")
    elif required and not template.strip():
        yield Flaw(pointer, "is empty")
