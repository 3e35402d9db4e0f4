"""The maintenance function: the record's upkeep, and what takes the control plane beside it."""

import dataclasses
import functools
from typing import TYPE_CHECKING

import boto3
from sqlalchemy import Engine

from codereview.adapters.aws.objects import S3Objects
from codereview.adapters.dynamodb.control.live_reviews import DynamoLiveReviews
from codereview.adapters.dynamodb.control.notices import DynamoNotices
from codereview.adapters.dynamodb.control.settings import DynamoFlags
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.dynamodb.jobs import DynamoJobs
from codereview.adapters.postgres.caring import PostgresCare
from codereview.adapters.postgres.reports import PostgresReports
from codereview.adapters.system import SystemClock
from codereview.agents.registry import AGENTS
from codereview.bootstrap.database import record_database
from codereview.bootstrap.environment import VARIABLES
from codereview.bootstrap.sdk import sdk_config
from codereview.bootstrap.upkeep import upkeep_app
from codereview.entrypoints.maintenance import MaintenanceApp
from codereview.entrypoints.switch_commands import Switches
from codereview.settings import maintenance_settings
from codereview.use_cases.control.block_tenant import BlockTenant
from codereview.use_cases.control.change_settings import ChangeFlags, ChangeNotices
from codereview.use_cases.maintain.break_agents import BreakAgents
from codereview.use_cases.maintain.compare_reviews import CompareReviews

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@functools.cache
def maintenance() -> MaintenanceApp:
    """Build the function."""
    settings = maintenance_settings(VARIABLES)
    dynamodb = boto3.client("dynamodb", config=sdk_config())
    # An archive's object may be large, and nobody waits for it.
    shelf = S3Objects(boto3.client("s3", config=sdk_config(read_timeout=60)), settings.objects_bucket)
    database, table = record_database(settings.database), settings.control_table
    app = upkeep_app(
        database,
        shelf,
        settings.log,
        compare=_compare(dynamodb, table, database),
        breaker=_breaker(dynamodb, table, database),
    )
    return dataclasses.replace(app, commands={**app.commands, **_switches(dynamodb, table).commands()})


def _compare(dynamodb: "DynamoDBClient", table: str, database: Engine) -> CompareReviews:
    return CompareReviews(
        clock=SystemClock(),
        tenants=DynamoTenants(dynamodb, table),
        reviews=DynamoLiveReviews(dynamodb, table),
        record=PostgresCare(database),
    )


def _breaker(dynamodb: "DynamoDBClient", table: str, database: Engine) -> BreakAgents:
    clock = SystemClock()
    flags, notices = DynamoFlags(dynamodb, table), DynamoNotices(dynamodb, table)
    return BreakAgents(
        clock=clock,
        tenants=DynamoTenants(dynamodb, table),
        flags=flags,
        notices=notices,
        jobs=DynamoJobs(dynamodb, table),
        precision=PostgresReports(database, clock),
        change_flags=_change_flags(flags),
        change_notices=ChangeNotices(notices=notices),
    )


def _switches(dynamodb: "DynamoDBClient", table: str) -> Switches:
    flags = DynamoFlags(dynamodb, table)
    return Switches(
        flags=flags,
        change_flags=_change_flags(flags),
        block_tenant=BlockTenant(tenants=DynamoTenants(dynamodb, table)),
    )


def _change_flags(flags: DynamoFlags) -> ChangeFlags:
    return ChangeFlags(flags=flags, agents=frozenset(agent.name for agent in AGENTS))
