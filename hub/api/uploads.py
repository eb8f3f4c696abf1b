"""Uploads: the bytes of a file out of a request, its body or in a form, and never all at once."""

import re
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header

from hub.api.errors import BadRequest

LONGEST_NAME = 200
WORDS = r"^[^\x00-\x1f\x7f-\x9f]*$"
NAME = re.compile(WORDS)
"""Of names: no database of ours keeps a NUL, and nobody can read the others."""


class Upload:
    """What is uploaded: its parts, and its name, of the query or of the form that it came in."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._found: list[bytes] = []
        self._header = b""
        self._value = b""
        self._is_file = False
        self._is_counted = False
        self._files = 0
        self._is_whole = False
        self._named = ""

    async def parts(self, request: Request) -> AsyncIterator[bytes]:
        """Give the bytes of the file. Raises BadRequest for a form without one, or with several."""
        written = request.headers.get("content-type", "")
        kind, options = parse_options_header(written)
        if kind != b"multipart/form-data":
            async for part in request.stream():
                yield part
            return
        parser = MultipartParser(options.get(b"boundary", b""), self._callbacks())
        seen = False
        try:
            async for part in request.stream():
                parser.write(part)
                if self._files > 1:
                    raise BadRequest("the form has several files: send one at a time")
                if not NAME.fullmatch(self._named):
                    raise BadRequest("the file name in the form has a control character")
                found, self._found = self._found, []
                seen |= bool(found)
                for one in found:
                    yield one
            parser.finalize()
        except MultipartParseError as error:
            raise BadRequest(f"the form cannot be read: {error}") from error
        if not self._is_whole:
            raise BadRequest("the form cannot be read: it ends before its closing boundary")
        if not seen:
            told = f"the file {self._named} is empty" if self._named else "the form has no file"
            raise BadRequest(told)

    def _callbacks(self) -> Any:  # noqa: ANN401  the library's own type is not exported
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._of_value,
            "on_header_end": self._header_end,
            "on_part_data": self._part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._is_file, self._is_counted = False, False
        self._header, self._value = b"", b""

    def _end(self) -> None:
        self._is_whole = True

    def _count(self) -> None:
        # A field in which nobody chose a file is sent without a name, and without bytes.
        self._files += not self._is_counted
        self._is_counted = True

    def _field(self, content: bytes, start: int, end: int) -> None:
        self._header += content[start:end]

    def _of_value(self, content: bytes, start: int, end: int) -> None:
        self._value += content[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            if b"filename" in options:
                self._is_file = True
                shown = options[b"filename"].decode("utf-8", "replace")
                self._named = shown[:LONGEST_NAME]
                self.name = self.name or self._named
                if shown:
                    self._count()
        self._header, self._value = b"", b""

    def _part(self, content: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._count()
            self._found.append(content[start:end])
