"""Which encoding a file has: by its mark, by where its zeros are, or because UTF-8 fits."""

import codecs

from hub.records.fault import FileFault
from hub.records.format import MARKS, Encoding, encoding_named

MOST_ZEROS = 0.1
CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))


def find_encoding(sample: bytes, hint: str | None) -> tuple[Encoding, int]:
    """Give the encoding of a file that begins with `sample`, and the length of its mark.

    Raises FileFault for what is no text.
    """
    for encoding, mark in MARKS.items():
        if sample.startswith(mark):
            return encoding, len(mark)
    found = (encoding_named(hint) if hint else None) or _guess(sample)
    if (
        found in (Encoding.UTF_8, Encoding.WINDOWS_1252)
        and sample.translate(None, CONTROL) != sample
    ):
        raise FileFault("is not text: it has bytes that no text has")
    return found, 0


def _guess(sample: bytes) -> Encoding:
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = max(len(sample) // 2, 1)
    if odd > half / 2 and even < half * MOST_ZEROS:
        return Encoding.UTF_16_LE
    if even > half / 2 and odd < half * MOST_ZEROS:
        return Encoding.UTF_16_BE
    if _fits_utf_8(sample):
        return Encoding.UTF_8
    return Encoding.WINDOWS_1252


def _fits_utf_8(sample: bytes) -> bool:
    """Say whether a file is UTF-8, but for a few places: mixed files are read as UTF-8 too."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    # The sample may end in the middle of a character, which is no fault of the file.
    text = decoder.decode(sample)
    wrong = sum("\udc80" <= one <= "\udcff" for one in text)
    right = sum(one > "\x7f" for one in text) - wrong
    return wrong == 0 or right > wrong
