"""Brings the record's schema to this version's, one deploy at a time."""

from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError

from codereview.adapters.postgres.connections import translated

# Any number, as long as nobody else in this database locks the same.
_LOCK = 4_216_071_307
_MONTHS_AHEAD = 3


def migrate(database: sa.Engine, *, now: datetime) -> str:
    """Upgrade to the newest revision and make the coming months' partitions; returns the revision.

    Two deploys at once wait for each other; a killed one leaves whole revisions only, and the next goes on from there.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    try:
        with database.connect() as connection:
            connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
            for month in months_from(now, _MONTHS_AHEAD + 1):
                for statement in partition_statements(month):
                    connection.execute(sa.text(statement))
            revision = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
            connection.commit()
    except DBAPIError as error:
        raise translated(error) from error
    return str(revision)


def months_from(moment: datetime, count: int) -> list[datetime]:
    """List the first moments, UTC, of `count` months beginning with the moment's own."""
    start = moment.astimezone(UTC)
    months = [start.year * 12 + start.month - 1 + offset for offset in range(count)]
    return [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in months]


def partition_statements(month: datetime) -> list[str]:
    """Spell out the partition of findings for the month, closed to direct reads like its siblings."""
    (following,) = months_from(month, 2)[1:]
    name = f"findings_{month:%Y_%m}"
    span = f"FROM ('{month.isoformat()}') TO ('{following.isoformat()}')"
    return [
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF findings FOR VALUES {span}",
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
    ]
