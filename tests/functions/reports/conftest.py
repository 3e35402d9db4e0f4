"""The reports function between an emulated control table and a real PostgreSQL."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from codereview.bootstrap_reports import reports_app
from codereview.domain.prices import TokenPrices
from codereview.domain.review import TenantId
from codereview.entrypoints.api.app import ApiApp
from codereview.entrypoints.logger import function_logger
from codereview.entrypoints.reports.routes import ReportServices
from codereview.settings import DatabaseSettings, LogSettings, ReportsSettings
from tests.adapters.postgres.conftest import Connect, connect, database_name, server, superuser
from tests.functions.api.conftest import emulator, world
from tests.functions.api.world import MINE, NOW, THEIRS, Reply, World, tenant_path

__all__ = ["connect", "database_name", "emulator", "server", "superuser", "world"]

PRICES = TokenPrices(read=3, cached=0.3, written=15)
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


@pytest.fixture
def record(world: World, connect: Connect) -> Record:
    """Two tenants that have had the App for years."""
    world.clock.time = datetime(2023, 1, 1, tzinfo=UTC)
    world.tenant(MINE)
    world.tenant(THEIRS)
    world.clock.time = NOW
    return Record(world=world, app=build(world, connect("codereview_reader")), token=world.key())


def without_id(reply: Reply) -> Reply:
    """Leave out what differs from request to request."""
    varying = ("x-request-id", "ratelimit")
    headers = {name: value for name, value in reply.headers.items() if name not in varying}
    return replace(reply, headers=headers, text=reply.text.replace(reply.headers["x-request-id"], "REQUEST"))
