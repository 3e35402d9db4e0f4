"""The reports function."""

import functools
from typing import TYPE_CHECKING

import boto3
import sqlalchemy as sa
from aws_lambda_powertools import Logger

from codereview.adapters.aws.objects import S3Objects
from codereview.adapters.dynamodb.control.buckets import DynamoBuckets
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.postgres.reports import PostgresReports
from codereview.adapters.system import RandomSecrets, SystemClock
from codereview.bootstrap.database import record_database
from codereview.bootstrap.edge import app_of, verify_callers
from codereview.bootstrap.environment import VARIABLES
from codereview.bootstrap.logger import logger_of
from codereview.bootstrap.sdk import sdk_config
from codereview.entrypoints.api.app import ApiApp
from codereview.entrypoints.api.cursors import Cursors
from codereview.entrypoints.api.strangers import noted_in
from codereview.entrypoints.reports.routes import ROUTES, ReportServices
from codereview.ports import Clock, Objects
from codereview.settings import ReportsSettings, reports_settings

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

SIGNING_KEY = "signing/reports"
_KEY_BYTES = 32


@functools.cache
def reports() -> ApiApp[ReportServices]:
    """Build the function."""
    settings = reports_settings(VARIABLES)
    # API Gateway waits for 30 s, of which a paused database may take 20 to wake up.
    quick = sdk_config(read_timeout=3)
    return reports_app(
        settings,
        boto3.client("dynamodb", config=quick),
        record_database(settings.database, connect_timeout=20),
        key=signing_key(S3Objects(boto3.client("s3", config=quick), settings.objects_bucket)),
        clock=SystemClock(),
        logger=logger_of(settings.log),
    )


def reports_app(
    settings: ReportsSettings,
    client: "DynamoDBClient",
    database: sa.Engine,
    *,
    key: bytes,
    clock: Clock,
    logger: Logger,
) -> ApiApp[ReportServices]:
    """Put the function together; `key` signs its cursors."""
    table = settings.control_table
    services = ReportServices(
        clock=clock,
        verify=verify_callers(settings, client, clock),
        buckets=DynamoBuckets(client, table),
        outbox=DynamoAuditOutbox(client, table),
        cursors=Cursors(key=key),
        note=noted_in(logger),
        reports=PostgresReports(database, clock),
        prices=settings.prices,
    )
    return app_of(services, ROUTES, client, table, key=key, logger=logger)


def signing_key(objects: Objects) -> bytes:
    """Read the key of the cursors, or draw it: the function's network leads to no Secrets Manager.

    A cursor opens nothing, since row security stands behind it: the key only keeps made-up ones out. Two first requests
    at once may draw two keys, of which the last one stays; a cursor of the other is refused, and asked for again.
    """
    if objects.get(SIGNING_KEY) is None:
        objects.put(SIGNING_KEY, RandomSecrets().draw(_KEY_BYTES))
    found = objects.get(SIGNING_KEY)
    if found is None:
        raise LookupError("what was stored is not there")
    return found
