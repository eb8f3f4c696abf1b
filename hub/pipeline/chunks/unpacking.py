"""What is packed by gzip is unpacked into the store, bounded: a bomb is told, and not unpacked."""

import zlib
from collections.abc import AsyncGenerator

from hub.landing.store import Landing
from hub.records.fault import FileFault

GZIP = b"\x1f\x8b"
"""How a gzip file begins."""
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
PART = 1024 * 1024
MOST_TIMES = 200
"""How many times its size a file may unpack to, once that is more than ALWAYS."""
ALWAYS = 64 * 1024 * 1024


async def unpack(landing: Landing, key: str, size: int) -> AsyncGenerator[bytes, None]:
    """Give what is packed under a key, a part at a time. Raises FileFault."""
    most = max(ALWAYS, size * MOST_TIMES)
    given, place, packed = 0, 0, b""
    machine = zlib.decompressobj(GZIP_OR_ZLIB)
    try:
        while True:
            if not packed and place < size:
                packed = await landing.read(key, place, PART)
                place += len(packed)
            if machine.eof:
                # A gzip file may be several, one after the other (RFC 1952, 2.2), or be filled up.
                packed = packed.lstrip(b"\0")
                if not packed and place >= size:
                    return
                machine = zlib.decompressobj(GZIP_OR_ZLIB)
            part = machine.decompress(packed, PART)
            if not part and not packed and place >= size:
                raise FileFault("is cut off: the end of its gzip is missing")
            packed = machine.unused_data if machine.eof else machine.unconsumed_tail
            given += len(part)
            if given > most:
                raise FileFault(f"unpacks to more than {MOST_TIMES} times its size")
            yield part
    except zlib.error as error:
        raise FileFault(f"is no gzip: {error}") from None
