"""The reports function between an emulated control table and a real PostgreSQL."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count, product
from typing import Any

import pytest
import sqlalchemy as sa

from codereview.adapters.postgres.audit import PostgresAuditLog
from codereview.adapters.postgres.connections import engine
from codereview.bootstrap.reports import reports_app
from codereview.domain.prices import TokenPrices
from codereview.domain.review import TenantId
from codereview.entrypoints.api.app import ApiApp
from codereview.entrypoints.logger import function_logger
from codereview.entrypoints.reports.routes import ReportServices
from codereview.settings import DatabaseSettings, LogSettings, ReportsSettings
from local.aws import Aws
from local.database import Database
from tests.adapters.postgres.conftest import (
    Connect,
    address,
    connect,
    database_name,
    server,
    superuser,
    temporary,
)
from tests.adapters.postgres.test_audit import entry
from tests.adapters.postgres.upkeep_world import write
from tests.functions.api.conftest import emulator, world
from tests.functions.api.world import MINE, NOW, THEIRS, Reply, World, tenant_path

__all__ = ["connect", "database_name", "emulator", "server", "superuser", "world"]

PRICES = TokenPrices(read=3, cached=0.3, written=15)
_numbers = count(1)
OURS, OTHERS = TenantId(f"github.com:{MINE}"), TenantId(f"github.com:{THEIRS}")


@dataclass
class Record:
    """The function, and who asks."""

    world: World
    app: ApiApp[ReportServices]
    token: str

    def get(self, what: str, query: str = "", *, account: int = MINE, token: str | None = None) -> Reply:
        app: Any = self.app
        path = tenant_path(account, f"/record/{what}")
        return self.world.call("GET", path, token or self.token, query=query, app=app)


def build(world: World, database: sa.Engine, *, prices: TokenPrices | None = PRICES) -> ApiApp[ReportServices]:
    settings = ReportsSettings(
        log=LogSettings(service="reports", level="CRITICAL"),
        stage=world.settings.stage,
        control_table=world.settings.control_table,
        objects_bucket="",
        github_host="github.com",
        operators=world.settings.operators,
        prices=prices,
        database=DatabaseSettings(region="", host="", port=0, name="", user="", sslmode="", ca_file=""),
    )
    client: Any = world.aws.client("dynamodb")
    return reports_app(
        settings,
        client,
        database,
        key=b"k" * 32,
        clock=world.clock,
        logger=function_logger("reports", level="CRITICAL"),
    )


def bind_both(world: World) -> None:
    """Let the App have been installed for as long as the record goes back."""
    world.clock.time = datetime(2023, 1, 1, tzinfo=UTC)
    world.tenant(MINE)
    world.tenant(THEIRS)
    world.clock.time = NOW


@pytest.fixture
def record(world: World, connect: Connect) -> Record:
    """Two tenants that have had the App for years."""
    bind_both(world)
    return Record(world=world, app=build(world, connect("codereview_reader")), token=world.key())


@pytest.fixture(scope="module")
def shared_record(emulator: Aws, server: Database) -> Iterator[Record]:
    """One function with a history, for the tests of a module that only look."""
    world = World.new(emulator, f"record-{next(_numbers)}")
    bind_both(world)
    with temporary(server, "migrated") as name:

        def connected(user: str) -> sa.Engine:
            return engine(address(server, name, user))

        fill(connected, OURS)
        fill(connected, OTHERS, mark="canary ")
        yield Record(world=world, app=build(world, connected("codereview_reader")), token=world.key())


def without_id(reply: Reply) -> Reply:
    """Leave out what differs from request to request."""
    varying = ("x-request-id", "ratelimit")
    headers = {name: value for name, value in reply.headers.items() if name not in varying}
    return replace(reply, headers=headers, text=reply.text.replace(reply.headers["x-request-id"], "REQUEST"))


def fill(connect: Connect, tenant: TenantId, *, mark: str = "") -> None:
    """Three pull requests with a history, and two actions."""
    for day, number in product((1, 5, 9), (1, 2, 3)):
        moment = datetime(2026, 3, day, number, 30 if mark else 0, tzinfo=UTC)
        write(connect, tenant, moment, *_problems(day, mark), number=number)
    PostgresAuditLog(connect("codereview_writer")).append(
        [entry(number, tenant=tenant, target=f"{mark}target") for number in (1, 2)]
    )


def _problems(day: int, mark: str) -> list[str]:
    return [f"{mark}problem {number}" for number in range(day // 4, day // 4 + 3)]
