"""The child process that renders: `python -m hub.templates.child`, spoken to over its pipes.

A frame is four bytes of length (big endian) and JSON. In: `{"template": "...", "rows": [...]}`, and
out: one `Told` for each row; without rows the template is only compiled, and the answer is what is
wrong with it, or null. It ends at the end of its input, so it never outlives its parent.
"""

import resource
import struct
import sys
from typing import BinaryIO

import msgspec

from hub.templates.engine import Engine
from hub.templates.result import finished

LENGTH = struct.Struct(">I")
ADDRESS_SPACE = 1024 * 1024 * 1024


class Asked(msgspec.Struct):
    """What a frame asks for."""

    template: str
    rows: list[msgspec.Raw] | None = None


def main() -> None:
    """Answer frames until there are no more."""
    _fence()
    engine, read = Engine(), msgspec.json.Decoder(Asked)
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    while (asked := frame(incoming)) is not None:
        answer = msgspec.json.encode(_answer(engine, read.decode(asked)))
        outgoing.write(LENGTH.pack(len(answer)) + answer)
        outgoing.flush()


def _answer(engine: Engine, asked: Asked) -> object:
    if asked.rows is None:
        return engine.check(asked.template)
    return [finished(told, asked.template) for told in engine.render(asked.template, asked.rows)]


def frame(incoming: BinaryIO) -> bytes | None:
    """Read one frame; None at the end."""
    head = incoming.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    content = incoming.read(length)
    return content if len(content) == length else None


def _fence() -> None:
    """Bound what the engine's own bounds might miss: memory, and whatever could be written."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
