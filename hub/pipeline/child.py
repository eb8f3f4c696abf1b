"""The mill's process: `python -m hub.pipeline.child SECONDS [FOLDER]`, spoken to over its pipes.

A frame is four bytes of length (big endian) and MessagePack, see `asking`. It ends at the end of
its input, so it never outlives its parent. FOLDER is where recipes in Python are, and SECONDS is
how long reading one may take.
"""

import os
import resource
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

from hub.pipeline.mill.answering import Mill
from hub.pipeline.mill.asking import Answer, Asked
from hub.recipes.catalogue import Catalogue
from hub.templates.child import LENGTH, frame

ADDRESS_SPACE = 768 * 1024 * 1024


def main() -> None:
    """Answer frames until there are no more."""
    incoming, outgoing = _pipes()
    _fence()
    _, seconds, *folders = sys.argv
    mill = Mill(Catalogue(Path(folders[0]) if folders else None), float(seconds))
    read, write = msgspec.msgpack.Decoder(Asked), msgspec.msgpack.Encoder()
    while (asked := frame(incoming)) is not None:
        answer: Answer = mill.answer(read.decode(asked))
        written = write.encode(answer)
        outgoing.write(LENGTH.pack(len(written)) + written)
        outgoing.flush()


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take the pipes for ourselves: what a recipe prints must not be read as an answer."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return incoming, outgoing


def _fence() -> None:
    """Bound what a recipe may do to the machine: memory, and whatever could be written."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
