"""How lists are paged, by `limit` and an opaque `cursor` from the page before; and searched."""

from typing import Annotated

from fastapi import Query

Limit = Annotated[int, Query(ge=1, le=500, description="how many at most")]
Words = Annotated[str, Query(max_length=200, description="what the name or the id contains")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before")]
