"""What makes two statements the same: a digest of what their producers said.

xAPI 1.0.3 Part Two, 2.3.1: id, stored, authority and version are left out of a comparison; and the
order of keys and the spaces between them mean nothing in JSON.
"""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

NOT_CONTENT = frozenset({"id", "stored", "authority", "version"})


def digest(written: Mapping[str, object]) -> str:
    """Return 32 hexadecimal digits, equal for statements with the same content."""
    content = {key: value for key, value in written.items() if key not in NOT_CONTENT}
    # msgspec writes integers of any length in full, so no two of them look alike.
    canonical = msgspec.json.encode(content, order="deterministic")
    return blake2b(canonical, digest_size=16).hexdigest()
