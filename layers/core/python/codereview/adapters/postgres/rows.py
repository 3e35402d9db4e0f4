"""Many rows in one statement: they come as one JSON parameter, which the database takes apart by the table's own types.

COPY would be the other way, but PostgreSQL refuses it to those whom row security binds.
"""

import math
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg


def insert_many(table: sa.Table, parameter: str) -> pg.Insert:
    """Write the statement; `parameter` takes a list of rows, each with every column that has no default."""
    names = [column.name for column in table.columns if column.server_default is None]
    rows = sa.func.json_populate_recordset(
        sa.literal_column(f"NULL::{table.name}"), sa.bindparam(parameter, type_=pg.JSON(none_as_null=True))
    ).table_valued(*(sa.column(name, table.c[name].type) for name in names))
    return pg.insert(table).from_select(names, sa.select(*(rows.c[name] for name in names)), include_defaults=False)


def as_json(value: UUID | float | None) -> Any:
    """Say a value in JSON's terms; a number that JSON has no word for is none."""
    if isinstance(value, UUID):
        return str(value)
    return value if value is None or math.isfinite(value) else None
