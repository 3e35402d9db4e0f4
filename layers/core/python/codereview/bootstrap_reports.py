"""The part of the composition root that puts the reports function together."""

from typing import TYPE_CHECKING

import sqlalchemy as sa
from aws_lambda_powertools import Logger

from codereview.adapters.dynamodb.control.buckets import DynamoBuckets
from codereview.adapters.dynamodb.control.keys import DynamoApiKeys
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.dynamodb.control.people import DynamoPeople
from codereview.adapters.dynamodb.control.replies import DynamoReplies
from codereview.adapters.dynamodb.control.sessions import DynamoSessions
from codereview.adapters.dynamodb.control.settings import DynamoFlags, DynamoQuotas
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.postgres.reports import PostgresReports
from codereview.adapters.system import RandomIds, RandomSecrets
from codereview.adapters.system.sealing import AesSeal
from codereview.domain.control.people import PersonId
from codereview.entrypoints.api.app import ApiApp
from codereview.entrypoints.api.cursors import Cursors
from codereview.entrypoints.api.doors import Doors
from codereview.entrypoints.api.once import Once
from codereview.entrypoints.api.strangers import noted_in
from codereview.entrypoints.reports.routes import ROUTES, ReportServices
from codereview.ports import Clock, Objects
from codereview.settings import ReportsSettings
from codereview.use_cases.control.cached_settings import CachedSettings
from codereview.use_cases.control.verify_callers import VerifyCallers

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

SIGNING_KEY = "signing/reports"
_KEY_BYTES = 32


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
        verify=VerifyCallers(
            clock=clock,
            keys=DynamoApiKeys(client, table),
            sessions=DynamoSessions(client, table),
            tenants=DynamoTenants(client, table),
            people=DynamoPeople(client, table),
            environment=settings.stage,
            operators=frozenset(PersonId(host=settings.github_host, user_id=number) for number in settings.operators),
        ),
        buckets=DynamoBuckets(client, table),
        outbox=DynamoAuditOutbox(client, table),
        cursors=Cursors(key=key),
        note=noted_in(logger),
        reports=PostgresReports(database, clock),
        prices=settings.prices,
    )
    cached = CachedSettings(clock, DynamoFlags(client, table), DynamoQuotas(client, table))
    return ApiApp(
        services=services,
        doors=Doors(services=services, settings=cached, keys=DynamoApiKeys(client, table)),
        once=Once(replies=DynamoReplies(client, table), seal=AesSeal(key)),  # for POST, of which there is none
        ids=RandomIds(),
        routes=ROUTES,
        logger=logger,
    )


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
