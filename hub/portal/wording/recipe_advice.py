"""What a mistake in a declarative recipe asks for: the API tells what is wrong. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence

Options = Mapping[str, object]
Record = Mapping[str, object]

WRITTEN_WRONG: Mapping[str, str] = {
    "cannot stand between": "A brace may be missing: what is opened by {{ is closed by }}.",
    "opened and not closed": "What is opened by {{#if …}} is closed by {{/if}}.",
    "there is no helper": "A field whose name has spaces or dashes stands in brackets: {{[E-mail "
    "address]}}. The page of recipes has a list of helpers.",
    "is not Handlebars": "Values are compared by helpers, not by signs: {{eq state 'done'}}.",
    "is none of actor": "A recipe has these parts and no others; what else is to be kept goes into "
    "context.extensions.",
}
MADE_WRONG: Mapping[str, str] = {
    "must be a number|must be true or false": "Three braces, and nothing else in the text, make a "
    'number or a truth value: "{{{points}}}".',
    "which is no JSON": "Three braces are for true, false and numbers, which have a point and no "
    "comma; for texts there are two.",
    "must be an IRI with a scheme": "It has to be a whole address without spaces, such as "
    "https://example.org/{{course}}; {{replace title ' ' '-'}} takes spaces out.",
    "must be a mailto IRI": 'Before an e-mail address stands mailto: as in "mailto:{{email}}".',
    "must be a time like": "Times in another form are put together from parts, by {{concat …}}.",
    "must be an object": 'It has its own braces: {"id": "…"} for a verb, {"en": "…"} for a name.',
    "has no lookup table": "Name it at More, Tables to look up in, and save; then try again.",
}
"""By words of the reason; the first that fits."""

INSIDE = re.compile(r"\{\{\{?(?:[#/^]\w*)?([^{}]*)\}\}")
WORD = re.compile(r"""\[([^\]]+)\]|'[^']*'|"[^"]*"|([^\s()|]+)""")
CALLED = re.compile(r"\(\s*(\w+)")
NO_FIELDS = frozenset({"else", "if", "unless", "true", "false", "null", "undefined", "this", "as"})
LOOKS_ELSEWHERE = ("{{#each", "{{#with")
"""Within these, names are not of the record."""
MOST_NAMED, LONGEST_SHOWN = 20, 200


def advise(options: Options, record: Record, field: str, reason: str) -> str:
    """Say what to do about a mistake at a place such as actor.mbox; nothing, if nobody knows."""
    if told := _by_words(WRITTEN_WRONG, reason):
        return told
    template = _template_at(options, field)
    if missing := list(dict.fromkeys(_missing(template, record, options))):
        asked = f"{template[:LONGEST_SHOWN]} asks for {_listed(missing)}"
        return f"{asked}. The record has no such field, but: {_listed(list(record))}."
    return _by_words(MADE_WRONG, reason)


def _listed(names: Sequence[str]) -> str:
    further = ", …" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + further


def _by_words(advice: Mapping[str, str], reason: str) -> str:
    return next((told for words, told in advice.items() if re.search(words, reason)), "")


def _template_at(options: Options, field: str) -> str:
    found: object = options
    for name in field.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""


def _missing(template: str, record: Record, options: Options) -> Iterator[str]:
    if any(block in template for block in LOOKS_ELSEWHERE):
        return
    join = options.get("join")
    tables = join if isinstance(join, Mapping) else {}
    for inside in INSIDE.findall(template):
        words = [bracketed or bare for bracketed, bare in WORD.findall(inside) if bracketed or bare]
        # With values behind it, the first word is a helper.
        helpers = {*words[: len(words) > 1], *CALLED.findall(inside)}
        for word in words:
            name = word if word in record else word.partition(".")[0]
            is_field = bool(re.match(r"[^\W\d]", name)) and name not in NO_FIELDS
            if is_field and word not in helpers and name not in record and name not in tables:
                yield word
