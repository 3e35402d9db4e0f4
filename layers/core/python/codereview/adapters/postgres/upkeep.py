"""Transactions of the maintenance role: it reads what it has to look for, and owns the tables only where it says so."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from codereview.adapters.postgres.connections import errors_translated, set_tenant

# Nobody signs in as it; the maintenance role is a member that inherits nothing.
_BECOME_OWNER = sa.text("SET LOCAL ROLE codereview_tables")
_BECOME_ONESELF = sa.text("SET LOCAL ROLE NONE")
_GIVE_BACK = sa.text("SELECT pg_advisory_unlock(hashtextextended('upkeep of the record', 0))")
_SINGLE_FLIGHT = sa.text("SELECT pg_try_advisory_lock(hashtextextended('upkeep of the record', 0))")

# Whoever works on a table waits behind a lock that somebody else waits for: so nobody waits for one longer than this.
BRIEF = "100ms"
_LOCK_TIMEOUT, _STATEMENT_TIMEOUT = "2s", "240s"


@contextmanager
def upkeep_transaction(
    database: sa.Engine, tenant: str = "", *, lock: str = _LOCK_TIMEOUT, statement: str = _STATEMENT_TIMEOUT
) -> Iterator[sa.Connection]:
    """Open a transaction that reads every tenant's rows and writes one tenant's, or nobody's."""
    with errors_translated(), database.begin() as connection:
        set_tenant(connection, tenant, lock=lock, statement=statement)
        yield connection


@contextmanager
def as_owner(connection: sa.Connection) -> Iterator[None]:
    """Own the tables for a few statements; their rows stay closed to an owner too."""
    connection.execute(_BECOME_OWNER)
    yield
    connection.execute(_BECOME_ONESELF)


def driver(connection: sa.Connection) -> "psycopg.Connection[tuple[Any, ...]]":
    """Return the driver's connection, for what SQLAlchemy has no words for."""
    raw = connection.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("not a psycopg connection")
    return raw


def run_ddl(
    connection: sa.Connection, template: sql.SQL, *arguments: sql.Composable, **named: sql.Composable
) -> "psycopg.Cursor[tuple[Any, ...]]":
    """Run a statement with identifiers and literals put in by the driver, where PostgreSQL takes no parameters."""
    statement = template.format(*arguments, **named)
    return driver(connection).execute(statement)


class PostgresSingleFlight:
    """record_ports.SingleFlight by a lock of the database, which a dead function's connection gives back."""

    def __init__(self, database: sa.Engine) -> None:
        """Lock in `database`."""
        self._database = database

    @contextmanager
    def hold(self) -> Iterator[bool]:
        """Try to take the lock."""
        with errors_translated(), self._database.connect() as connection:
            # No open transaction stays behind: it would hold back every VACUUM.
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            # The cluster cuts idle sessions, and with the session the lock would go.
            alone.execute(sa.text("SELECT set_config('idle_session_timeout', '0', false)"))
            is_alone = bool(alone.execute(_SINGLE_FLIGHT).scalar_one())
            try:
                yield is_alone
            finally:
                if is_alone:
                    # The server notices a closed connection a moment later, in which the next run would be refused.
                    with suppress(sa.exc.DBAPIError):
                        alone.execute(_GIVE_BACK)
