"""Bytes, line by line: the text of each, and how many bytes it has."""

from collections.abc import Iterator

from hub.records.format import Encoding, Format

NEWLINES = {
    (Encoding.UTF_16_LE, "\n"): b"\n\0",
    (Encoding.UTF_16_LE, "\r"): b"\r\0",
    (Encoding.UTF_16_BE, "\n"): b"\0\n",
    (Encoding.UTF_16_BE, "\r"): b"\0\r",
}
CODECS = {Encoding.WINDOWS_1252: "cp1252"}


def split(content: bytes, form: Format, *, at_end: bool) -> list[bytes]:
    """Cut into lines, each with its end; without `at_end`, what has no end yet is left out."""
    if form.encoding in (Encoding.UTF_16_LE, Encoding.UTF_16_BE):
        lines = list(_wide_lines(content, NEWLINES[form.encoding, form.newline]))
    else:
        newline = form.newline.encode()
        parts = content.split(newline)
        last = parts.pop()
        lines = [part + newline for part in parts]
        if last:
            lines.append(last)
    if lines and not at_end and not lines[-1].endswith(_newline(form)):
        lines.pop()
    return lines


def text_of(line: bytes, form: Format) -> str:
    """Decode a line. What does not fit the encoding becomes a lone surrogate, to be told later."""
    if form.encoding is Encoding.UTF_8 or form.encoding is Encoding.WINDOWS_1252:
        text = line.decode(CODECS.get(form.encoding, "utf-8"), "surrogateescape")
    else:
        text = line.decode(form.encoding, "replace" if len(line) % 2 else "surrogatepass")
    return text if form.newline == "\n" else text.replace("\r", "\n")


def is_sound(text: str) -> bool:
    """Say whether all of a text fitted its encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _newline(form: Format) -> bytes:
    return NEWLINES.get((form.encoding, form.newline), form.newline.encode())


def _wide_lines(content: bytes, newline: bytes) -> Iterator[bytes]:
    start = search = 0
    while (found := content.find(newline, search)) >= 0:
        if found % 2:
            search = found + 1
            continue
        yield content[start : found + 2]
        start = search = found + 2
    if start < len(content):
        yield content[start:]
