"""A real PostgreSQL with the real migrations, once a session; each test works in a database of its own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa

from codereview.adapters.postgres.connections import DatabaseAddress, engine
from codereview.adapters.postgres.migrating import migrate
from local import database
from local.processes import LOOPBACK, Processes, free_ports

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
_TEMPLATE = "migrated"
_numbers = count(1)

Connect = Callable[[str], sa.Engine]
Copies = Callable[[], AbstractContextManager[tuple[Connect, psycopg.Connection]]]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[database.Database]:
    folder: Path = tmp_path_factory.mktemp("postgres")
    (port,) = free_ports(1)
    with Processes([folder / "postgres"]) as processes:
        wheel = pytestconfig.getoption("--postgres")
        running = database.start(processes, folder=folder, port=port, wheel=wheel)
        with psycopg.connect(running.superuser_dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {_TEMPLATE} OWNER {database.OWNER}")
        migrate(engine(address(running, _TEMPLATE, database.OWNER)), now=NOW)
        yield running


def address(server: database.Database, name: str, user: str) -> DatabaseAddress:
    return DatabaseAddress(
        host=LOOPBACK, port=server.port, name=name, user=user, sslmode="disable", ca_file="", password=lambda: "token"
    )


@pytest.fixture
def database_name(server: database.Database) -> Iterator[str]:
    with temporary(server, _TEMPLATE) as name:
        yield name


@pytest.fixture
def empty_database(server: database.Database) -> Iterator[str]:
    """Name a database without any schema, for those who try the migrations themselves."""
    with temporary(server, "template1") as name:
        yield name


@contextmanager
def temporary(server: database.Database, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.dsn("rdsadmin", "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {database.OWNER}")
    yield name
    with psycopg.connect(server.dsn("rdsadmin", "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def connect(server: database.Database, database_name: str) -> Connect:
    """Give engines for a role."""
    return lambda user: engine(address(server, database_name, user))


@pytest.fixture
def superuser(server: database.Database, database_name: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.dsn("rdsadmin", database_name), autocommit=True) as connection:
        yield connection


@pytest.fixture
def copies(server: database.Database, database_name: str) -> Copies:
    """Give copies of the database as it is now, for which nobody may be connected to it."""

    @contextmanager
    def copied() -> Iterator[tuple[Connect, psycopg.Connection]]:
        with (
            temporary(server, database_name) as name,
            psycopg.connect(server.dsn("rdsadmin", name), autocommit=True) as connection,
        ):
            yield (lambda user: engine(address(server, name, user))), connection

    return copied
