"""Changing only what is still as it was: the header If-Match, which holds an ETag of ours."""

import re
from typing import Annotated

from fastapi import Header

from hub.api.errors import PreconditionFailed

IfMatch = Annotated[str | None, Header(description="the ETag of what is to be changed")]
ETAG = re.compile(r'"?([0-9]{1,15})"?')
"""RFC 9110, 13.1.1: a weak one never matches."""


def revision_of(if_match: str | None) -> int | None:
    """Give the revision that is expected; None where any is. Raises PreconditionFailed."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = ETAG.fullmatch(if_match.strip())
    if found is None:
        raise PreconditionFailed("If-Match must hold the ETag of what is to be changed")
    return int(found[1])
