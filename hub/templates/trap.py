"""What Handlebars says of a template, in words that help. Pure."""

import re
from typing import Any

PARSE = re.compile(
    r"Parse error on line (\d+):\n(?P<shown>.*)\n(?P<dashes>-*)\^\n(?P<rest>.*)", re.DOTALL
)
LEXICAL = re.compile(
    r"Lexical error on line (\d+)\. (?P<words>[^\n]*)\n(?P<shown>.*)\n(?P<dashes>-*)\^", re.DOTALL
)
MISMATCH = re.compile(r"(?P<open>.+?) doesn't match (?P<close>.+?) - (?P<line>\d+):(?P<column>\d+)")
GOT = re.compile(r"got '(\w+)'")
BRACES = re.compile(r"(?<!\{)\{\{(?!\{)[^{}]*\}\}\}")
LONGEST_SHOWN = 60
TRAP = (
    "Handlebars takes the three braces }}} for the end of {{{; put a space before the last }, "
    'as in {"score": {{score}} }'
)
MEANINGS = {
    "EOF": "the template ends in the middle: something is opened and not closed",
    "INVALID": "a character that cannot stand between {{ and }}",
    "OPEN_ENDBLOCK": "a block is closed that was not opened",
    "INVERSE": "an {{else}} outside of a block",
    "OPEN_INVERSE_CHAIN": "an {{else}} outside of a block",
}

Told = dict[str, Any]
"""A row, `{"row": "{...}"}`, or what is wrong, `{"detail": "...", "line": 1, "column": 1}`."""


def explained(told: Told, template: str) -> Told:
    """Put what is wrong with a template into words, with its place."""
    words = str(told["detail"])
    if found := PARSE.match(words):
        line = int(found[1])
        got = GOT.search(found["rest"])
        if got and got[1] == "CLOSE_UNESCAPED" and (place := _braces(template, line)):
            return {"detail": TRAP, "line": place[0], "column": place[1]}
        meaning = MEANINGS.get(got[1], "is not Handlebars") if got else "is not Handlebars"
        return {"detail": f"{meaning}, near {_near(found)}", **_place(found, template)}
    if found := LEXICAL.match(words):
        detail = f"is not Handlebars, near {_near(found)}"
        return {"detail": detail, **_place(found, template)}
    if found := MISMATCH.fullmatch(words):
        detail = f"{{{{#{found['open']}}}}} is closed by {{{{/{found['close']}}}}}"
        return {"detail": detail, "line": int(found["line"]), "column": int(found["column"]) + 1}
    return told


def _near(found: re.Match[str]) -> str:
    shown, at = found["shown"], len(found["dashes"])
    return repr(shown[max(0, at - LONGEST_SHOWN) : at + 10].strip("\n"))


def _place(found: re.Match[str], template: str) -> Told:
    """Say where it is: what Handlebars shows around the place is looked for in its line."""
    line = int(found[1])
    shown, at = found["shown"], len(found["dashes"])
    before = shown[:at].removeprefix("...")
    text = before + shown[at:].removesuffix("...")
    # It is shown without the ends of lines.
    ends = re.compile(r"\n*".join(map(re.escape, text)))
    starts = re.compile(r"\n*".join(map(re.escape, before)))
    for place in ends.finditer(template):
        begun = starts.match(template, place.start())
        end = begun.end() if begun else place.start()
        if template.count("\n", 0, end) + 1 >= line:
            return {"line": line, "column": end - template.rfind("\n", 0, end)}
    return {"line": line}


def _braces(template: str, line: int) -> tuple[int, int] | None:
    """Find the first `}}}` that no `{{{` belongs to, at that line or anywhere."""
    ends = [found.end() for found in BRACES.finditer(template)]
    places = [
        (template.count("\n", 0, end) + 1, end - template.rfind("\n", 0, end) - 1) for end in ends
    ]
    return next((place for place in places if place[0] >= line), places[0] if places else None)
