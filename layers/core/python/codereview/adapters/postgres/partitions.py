"""Makes the monthly partitions of findings, each closed to direct reads like its siblings."""

from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa

# Rows that came before their month's partition stand in the default one, and would forbid it. They are moved, in the
# same transaction; forced row security hides them even from their owner, and the reviews that they refer to from the
# check of their foreign key, so it is lifted for as long as that takes, under a lock that nobody sees past.
# The default's storage parameters are those of every partition to come, and the table's owner is theirs.
_MAKE = """
DO $$
DECLARE
  moved_rows bigint;
  options text := (SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = 'findings_default'::regclass);
  owner regrole := (SELECT relowner FROM pg_class WHERE oid = 'findings'::regclass);
BEGIN
  IF to_regclass('{name}') IS NOT NULL THEN
    RETURN;
  END IF;
  CREATE TABLE {name} (LIKE findings INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
  ALTER TABLE findings_default NO FORCE ROW LEVEL SECURITY;
  WITH moved AS (
    DELETE FROM findings_default WHERE created_at >= '{start}' AND created_at < '{end}' RETURNING *
  )
  INSERT INTO {name} SELECT * FROM moved;
  GET DIAGNOSTICS moved_rows = ROW_COUNT;
  ALTER TABLE findings_default FORCE ROW LEVEL SECURITY;
  IF moved_rows > 0 THEN
    ALTER TABLE reviews NO FORCE ROW LEVEL SECURITY;
  END IF;
  ALTER TABLE findings ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}');
  IF moved_rows > 0 THEN
    ALTER TABLE reviews FORCE ROW LEVEL SECURITY;
  END IF;
  ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;
  ALTER TABLE {name} FORCE ROW LEVEL SECURITY;
  IF options <> '' THEN
    EXECUTE 'ALTER TABLE {name} SET (' || options || ')';
  END IF;
  EXECUTE 'ALTER TABLE {name} OWNER TO ' || owner;
END $$
"""


def months_from(moment: datetime, count: int) -> list[datetime]:
    """List the first moments, UTC, of `count` months beginning with the moment's own."""
    start = moment.astimezone(UTC)
    months = [start.year * 12 + start.month - 1 + offset for offset in range(count)]
    return [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in months]


def partition_name(month: datetime) -> str:
    """Name the partition of a month."""
    return f"findings_{month:%Y_%m}"


def make_partitions(connection: sa.Connection, months: Iterable[datetime]) -> None:
    """Make what is missing of the months' partitions; each in one step, which the caller's transaction commits."""
    for month in months:
        start, end = months_from(month, 2)
        statement = _MAKE.format(name=partition_name(start), start=start.isoformat(), end=end.isoformat())
        connection.exec_driver_sql(statement)
