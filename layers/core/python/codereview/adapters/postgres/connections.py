"""Connections to the record: one for each piece of work or batch of them, closed at its end.

Nothing is kept for longer: a connection stops Aurora from pausing, and a frozen sandbox wakes up with dead sockets.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from codereview.domain.review import TenantId
from codereview.errors import CodeReviewError, ConfigurationError, RetryableError

# Aurora takes about 15 s to resume from a pause, and 30 s after a day of it.
_CONNECT_TIMEOUT_SECONDS = 40

# A server that vanished without a word, as one does in a failover, is found out by the kernel within this time, instead
# of by the end of the function: https://www.postgresql.org/docs/current/libpq-connect.html
_VANISHED_AFTER_SECONDS = 25
_QUESTIONS, _QUESTION_EVERY_SECONDS = 3, 5  # of the kernel, unanswered

# Patience of one transaction with a lock (of a migration, say) and with a statement: well within a function's life, so
# that the whole batch does not die with it.
_LOCK_TIMEOUT, _STATEMENT_TIMEOUT = "15s", "25s"

# Classes of SQLSTATE after which the same statement may succeed: connection, rollback (serialization, deadlock),
# resources (connections, disk), operator intervention, locks. 25006 is a connection to the writer before a failover.
_RETRYABLE_CLASSES = {"08", "40", "53", "55", "57", "58"}
_READ_ONLY_TRANSACTION = "25006"
# A login or a permission is missing, or a database, schema, table or column: the deployment is not what the code needs.
_DEPLOYMENT_CLASSES = {"0P", "28", "3D", "3F", "42"}


# All of it ends with the transaction: nothing of a tenant is ever left on a connection. A lock comes with it, since
# each question to the database costs as much as all that it does.
_BEGIN = sa.text("""
    SELECT set_config('app.tenant', :tenant, true),
           set_config('lock_timeout', :lock, true),
           set_config('statement_timeout', :statement, true),
           CASE WHEN :name <> '' THEN pg_advisory_xact_lock(hashtextextended(:name, 0)) END
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAddress:
    """Where the record is, and as whom to log in. `password` returns a fresh IAM token for each connection."""

    host: str
    port: int
    name: str
    user: str
    sslmode: str
    ca_file: str
    password: Callable[[], str]
    connect_timeout: int = _CONNECT_TIMEOUT_SECONDS


def engine(address: DatabaseAddress, *, is_kept: bool = False) -> sa.Engine:
    """Make an engine that opens a connection for each use.

    `is_kept`: it keeps one, until its owner disposes of it at the end of a batch.
    """

    def connect() -> psycopg.Connection:
        return psycopg.connect(
            host=address.host,
            port=address.port,
            dbname=address.name,
            user=address.user,
            password=address.password(),
            sslmode=address.sslmode,
            sslrootcert=address.ca_file or None,
            connect_timeout=address.connect_timeout,
            application_name="codereview",
            keepalives=1,
            keepalives_idle=_VANISHED_AFTER_SECONDS - _QUESTIONS * _QUESTION_EVERY_SECONDS,
            keepalives_interval=_QUESTION_EVERY_SECONDS,
            keepalives_count=_QUESTIONS,
            tcp_user_timeout=_VANISHED_AFTER_SECONDS * 1000,
        )

    if is_kept:
        return sa.create_engine("postgresql+psycopg://", creator=connect, pool_size=1, max_overflow=0)
    return sa.create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)


@contextmanager
def tenant_transaction(database: sa.Engine, tenant: TenantId, *, holding: str = "") -> Iterator[sa.Connection]:
    """Open a transaction that sees and writes one tenant's rows only; errors come out as ours.

    `holding` names a lock that it has from its beginning to its end.
    """
    with errors_translated(), database.begin() as connection:
        set_tenant(connection, tenant, holding=holding)
        yield connection


def set_tenant(
    connection: sa.Connection,
    tenant: str,
    *,
    lock: str = _LOCK_TIMEOUT,
    statement: str = _STATEMENT_TIMEOUT,
    holding: str = "",
) -> None:
    """Say whose rows the rest of the transaction sees and writes; `""`: nobody's."""
    connection.execute(_BEGIN, {"tenant": tenant, "lock": lock, "statement": statement, "name": holding})


@contextmanager
def errors_translated() -> Iterator[None]:
    """Let the database's errors come out as ours, SQLAlchemy's and the driver's own."""
    try:
        yield
    except DBAPIError as error:
        raise translated(error) from error
    except psycopg.Error as error:
        raise _by_state(error.sqlstate, is_cut=isinstance(error, psycopg.OperationalError)) from error


def translated(error: DBAPIError) -> CodeReviewError:
    """Say what the caller should do about a database error.

    Never a PermanentError: a message that the record refuses may be the only trace of what it tells. What will not go
    away by itself is a bug or a deployment to mend, and the message waits among the dead letters.
    """
    return _by_state(getattr(error.orig, "sqlstate", None), is_cut=_is_connection_problem(error))


def _by_state(state: str | None, *, is_cut: bool) -> CodeReviewError:
    if state is None:
        # No answer from the server: it could not be reached, or the connection was cut.
        return RetryableError("database unreachable") if is_cut else CodeReviewError("database")
    if state[:2] in _RETRYABLE_CLASSES or state == _READ_ONLY_TRANSACTION:
        return RetryableError(f"database answered {state}")
    if state[:2] in _DEPLOYMENT_CLASSES:
        return ConfigurationError(f"database is not set up for this version: {state}")
    return CodeReviewError(f"database refuses: {state}")


def _is_connection_problem(error: DBAPIError) -> bool:
    return isinstance(error, OperationalError) or error.connection_invalidated
