"""The format of a file: what it is, once somebody has looked, or said so."""

from enum import StrEnum

import msgspec

from hub.records.fault import FileFault


class Kind(StrEnum):
    """What a file is made of."""

    CSV = "csv"
    JSON = "json"
    JSON_LINES = "jsonl"
    FORM = "form"


class Encoding(StrEnum):
    """How texts are written. A byte order mark is no text in any of them."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    WINDOWS_1252 = "windows-1252"


MARKS = {
    Encoding.UTF_8: b"\xef\xbb\xbf",
    Encoding.UTF_16_LE: b"\xff\xfe",
    Encoding.UTF_16_BE: b"\xfe\xff",
}


class Hints(msgspec.Struct, frozen=True):
    """What is known of a file before anybody has looked; None means: look."""

    kind: Kind | None = None
    encoding: str | None = None
    delimiter: str | None = None
    names: tuple[str, ...] | None = None
    """The names of the columns of a CSV file that has no row with names."""
    renamed: dict[str, str] = {}
    """Names of columns, and what the recipe is to know them by."""
    pointer: str = ""
    """Where in a JSON document the records are, as a JSON pointer."""


class Format(msgspec.Struct, frozen=True):
    """What a file is, so that it can be read from any place where a record begins."""

    kind: Kind
    encoding: Encoding = Encoding.UTF_8
    delimiter: str = ","
    newline: str = "\n"
    names: tuple[str, ...] = ()
    begins: int = 0
    """The byte at which the first record begins."""
    first_line: int = 1
    pointer: str = ""


def encoding_named(name: str) -> Encoding | None:
    """Read the name of an encoding; None for `utf-16`, where the mark says which. May raise.

    Raises FileFault for one that is not known.
    """
    known = {
        "utf8": Encoding.UTF_8,
        "utf8sig": Encoding.UTF_8,
        "ascii": Encoding.UTF_8,
        "utf16": None,
        "utf16le": Encoding.UTF_16_LE,
        "utf16be": Encoding.UTF_16_BE,
        "windows1252": Encoding.WINDOWS_1252,
        "cp1252": Encoding.WINDOWS_1252,
        "latin1": Encoding.WINDOWS_1252,
        "iso88591": Encoding.WINDOWS_1252,
    }
    plain = name.lower().replace("-", "").replace("_", "")
    if plain not in known:
        raise FileFault(f"the encoding {name!r} is none of utf-8, utf-16, windows-1252")
    return known[plain]
