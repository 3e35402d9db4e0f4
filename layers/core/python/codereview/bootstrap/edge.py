"""What the api and the reports function have in common: who is let in, and the app around the services."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from codereview.adapters.dynamodb.control.keys import DynamoApiKeys
from codereview.adapters.dynamodb.control.people import DynamoPeople
from codereview.adapters.dynamodb.control.replies import DynamoReplies
from codereview.adapters.dynamodb.control.sessions import DynamoSessions
from codereview.adapters.dynamodb.control.settings import DynamoFlags, DynamoQuotas
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.system import RandomIds
from codereview.adapters.system.sealing import AesSeal
from codereview.domain.control.people import PersonId
from codereview.entrypoints.api.app import ApiApp
from codereview.entrypoints.api.doors import Doors
from codereview.entrypoints.api.once import Once
from codereview.entrypoints.api.routing import Route
from codereview.entrypoints.api.services import Edge
from codereview.ports import Clock
from codereview.settings import ApiSettings, ReportsSettings
from codereview.use_cases.control.cached_settings import CachedSettings
from codereview.use_cases.control.verify_callers import VerifyCallers

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def verify_callers(settings: ApiSettings | ReportsSettings, client: "DynamoDBClient", clock: Clock) -> VerifyCallers:
    """Build what tells who calls."""
    table = settings.control_table
    return VerifyCallers(
        clock=clock,
        keys=DynamoApiKeys(client, table),
        sessions=DynamoSessions(client, table),
        tenants=DynamoTenants(client, table),
        people=DynamoPeople(client, table),
        environment=settings.stage,
        operators=frozenset(PersonId(host=settings.github_host, user_id=number) for number in settings.operators),
    )


def app_of[S: Edge](
    services: S, routes: Sequence[Route], client: "DynamoDBClient", table: str, *, key: bytes, logger: Logger
) -> ApiApp[S]:
    """Put the app around its services; answers to named requests are sealed with `key`."""
    settings = CachedSettings(services.clock, DynamoFlags(client, table), DynamoQuotas(client, table))
    return ApiApp(
        services=services,
        doors=Doors(services=services, settings=settings, keys=DynamoApiKeys(client, table)),
        once=Once(replies=DynamoReplies(client, table), seal=AesSeal(key)),
        ids=RandomIds(),
        routes=routes,
        logger=logger,
    )
