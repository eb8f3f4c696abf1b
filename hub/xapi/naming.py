"""Ids that follow from a name: the same name makes the same id, always.

UUIDs of version 5 (RFC 9562, 5.5), written at once: `uuid.uuid5` makes two objects on the way, and
takes three times as long.
"""

from hashlib import sha1


def uuid_of(namespace: bytes, name: bytes) -> str:
    """Give the UUID of a name, as text; `namespace` are the 16 bytes of another UUID."""
    found = bytearray(sha1(namespace + name, usedforsecurity=False).digest()[:16])
    found[6] = found[6] & 0x0F | 0x50
    found[8] = found[8] & 0x3F | 0x80
    text = found.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
