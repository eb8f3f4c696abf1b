"""What is packed by gzip is unpacked into the store, bounded: a bomb is told, and not unpacked."""

import zlib
from collections.abc import AsyncGenerator

from hub.landing.store import Landing
from hub.records.fault import FileFault

GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
PART = 1024 * 1024
MOST_TIMES = 200
"""How many times its size a file may unpack to, once that is more than ALWAYS."""
ALWAYS = 64 * 1024 * 1024


async def unpack(landing: Landing, key: str, size: int) -> AsyncGenerator[bytes, None]:
    """Give what is packed under a key, a part at a time. Raises FileFault."""
    most = max(ALWAYS, size * MOST_TIMES)
    given, place = 0, 0
    machine = zlib.decompressobj(GZIP_OR_ZLIB)
    try:
        while place < size or machine.unconsumed_tail:
            packed = machine.unconsumed_tail
            if not packed:
                packed = await landing.read(key, place, PART)
                place += len(packed)
                if not packed:
                    break
            if machine.eof:
                # A gzip file may be several, one after the other (RFC 1952, 2.2).
                machine = zlib.decompressobj(GZIP_OR_ZLIB)
            part = machine.decompress(packed, PART)
            given += len(part)
            if given > most:
                raise FileFault(f"unpacks to more than {MOST_TIMES} times its size")
            yield part
            if machine.eof and machine.unused_data:
                rest = machine.unused_data
                machine = zlib.decompressobj(GZIP_OR_ZLIB)
                part = machine.decompress(rest, PART)
                given += len(part)
                yield part
    except zlib.error as error:
        raise FileFault(f"is no gzip: {error}") from None
    if not machine.eof:
        raise FileFault("is cut off: the end of its gzip is missing")
