"""Brings the record's schema to this version's, one deploy at a time."""

from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError

from codereview.adapters.postgres.connections import translated
from codereview.adapters.postgres.partitions import make_partitions, months_from
from codereview.errors import ConfigurationError

# Any number, as long as nobody else in this database locks the same.
_LOCK = 4_216_071_307
_MONTHS_AHEAD = 3

# A change of a table waits for its readers, and everybody who comes later waits behind it: better fail the deploy.
_LOCK_TIMEOUT = "30s"

# The first minor version of each major one in which statistics give no hidden rows away (CVE-2025-8713,
# https://www.postgresql.org/support/security/CVE-2025-8713/); later majors began without that gap.
_LEAST_MINOR = {15: 14, 16: 10, 17: 6}


def migrate(database: sa.Engine, *, now: datetime, revision: str = "head") -> str:
    """Upgrade to the newest revision and make the coming months' partitions; returns the revision.

    Two deploys at once wait for each other; a killed one leaves whole revisions only, and the next goes on from there.
    Raises ConfigurationError for a server whose row security is known not to hold.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    try:
        with database.connect() as connection:
            _refuse_leaky_server(connection)
            connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            connection.execute(sa.text("SELECT set_config('lock_timeout', :limit, false)"), {"limit": _LOCK_TIMEOUT})
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            connection.commit()
            make_partitions(connection, months_from(now, _MONTHS_AHEAD + 1))
            reached = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
            connection.commit()
    except DBAPIError as error:
        raise translated(error) from error
    return str(reached)


def _refuse_leaky_server(connection: sa.Connection) -> None:
    number = int(connection.execute(sa.text("SHOW server_version_num")).scalar_one())
    if not is_safe_server(number):
        raise ConfigurationError(f"PostgreSQL {number // 10_000}.{number % 10_000} has known gaps in its row security")


def is_safe_server(version: int) -> bool:
    """Tell whether row security holds on a server, given its `server_version_num`."""
    major, minor = divmod(version, 10_000)
    return major > max(_LEAST_MINOR) or minor >= _LEAST_MINOR.get(major, minor + 1)
