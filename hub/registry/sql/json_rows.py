"""Many rows in one statement of PostgreSQL: as one JSON text, which it takes apart by itself.

Each row of an ordinary INSERT has a parameter for every column, which cost more to hand over than
the rows to insert.
"""

from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy import Table, make_url
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

DIALECT = make_url("postgresql+psycopg://").get_dialect()()


def is_postgresql(session: Session | AsyncSession) -> bool:
    """Say whether a session is one of PostgreSQL; if not, rows are as quick one by one."""
    return session.get_bind().dialect.name == "postgresql"


def inserting(table: Table, parameter: str, *, without: Sequence[str] = ()) -> str:
    """Write an INSERT of the rows that `parameter` will hold, as `rows_of` gives them."""
    columns = [column for column in table.columns if column.name not in without]
    names = ", ".join(column.name for column in columns)
    given = ", ".join(f"{one.name} {one.type.compile(dialect=DIALECT)}" for one in columns)
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {names}"  # noqa: S608  the names are ours
        f" FROM json_to_recordset(CAST(:{parameter} AS json)) AS given ({given})"
    )


def rows_of(rows: Sequence[Mapping[str, object]]) -> str:
    """Write rows as the JSON text of a parameter."""
    return orjson.dumps(rows).decode()
