"""The services of the api function, around AWS's clients and GitHub's side."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from codereview.adapters.aws.exports import S3Exports
from codereview.adapters.aws.maintenance_function import LambdaExporter
from codereview.adapters.aws.queues import SqsReviewQueue
from codereview.adapters.aws.watched_queue import SqsWatchedQueue
from codereview.adapters.dynamodb.control.buckets import DynamoBuckets
from codereview.adapters.dynamodb.control.exports import DynamoExports
from codereview.adapters.dynamodb.control.keys import DynamoApiKeys
from codereview.adapters.dynamodb.control.live_reviews import DynamoLiveReviews
from codereview.adapters.dynamodb.control.notices import DynamoNotices
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.dynamodb.control.pauses import DynamoPauses
from codereview.adapters.dynamodb.control.people import DynamoPeople
from codereview.adapters.dynamodb.control.sessions import DynamoSessions
from codereview.adapters.dynamodb.control.settings import DynamoFlags, DynamoQuotas
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.adapters.system import RandomIds, RandomSecrets
from codereview.agents.registry import AGENTS
from codereview.bootstrap.edge import app_of, verify_callers
from codereview.control_ports import IdentityProvider, Installations
from codereview.entrypoints.api.app import ApiApp
from codereview.entrypoints.api.cursors import Cursors
from codereview.entrypoints.api.services import Services
from codereview.entrypoints.api.strangers import noted_in
from codereview.entrypoints.api.table import ROUTES
from codereview.ports import Clock
from codereview.settings import ApiSettings
from codereview.use_cases.control.ask_reviews import AskReviews
from codereview.use_cases.control.cached_notices import CachedNotices
from codereview.use_cases.control.change_settings import ChangeFlags, ChangeNotices, ChangePauses, ChangeQuotas
from codereview.use_cases.control.identify import Identify
from codereview.use_cases.control.manage_keys import ManageKeys
from codereview.use_cases.control.manage_people import ManagePeople
from codereview.use_cases.control.manage_tenants import ManageTenants
from codereview.use_cases.control.order_exports import OrderExports
from codereview.use_cases.control.redrive import ReadDeadLetters
from codereview.use_cases.control.sign_in import SignIn

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """AWS, as far as the function may reach it; `metrics` is CloudWatch's, `objects` S3's, `functions` Lambda's."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    secrets: "SecretsManagerClient"
    metrics: Any
    objects: "S3Client"
    functions: "LambdaClient"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubSide:
    """What only GitHub can say; `people` None: nobody signs in."""

    installations: Installations
    people: IdentityProvider | None


def assemble(
    settings: ApiSettings, clients: Clients, github: GitHubSide, *, key: bytes, clock: Clock, logger: Logger
) -> ApiApp:
    """Put the function together around GitHub's side; `key` is the deployment's signing key."""
    services = services_of(settings, clients, github, key, clock, logger=logger)
    return app_of(services, ROUTES, clients.dynamodb, settings.control_table, key=key, logger=logger)


def services_of(
    settings: ApiSettings, clients: Clients, github: GitHubSide, key: bytes, clock: Clock, *, logger: Logger
) -> Services:
    """Put the use cases together; cursors are signed with `key`."""
    client, table, ids, random = clients.dynamodb, settings.control_table, RandomIds(), RandomSecrets()
    tenants, people = DynamoTenants(client, table), DynamoPeople(client, table)
    flags, quotas = DynamoFlags(client, table), DynamoQuotas(client, table)
    pauses, notices = DynamoPauses(client, table), DynamoNotices(client, table)
    verify, note = verify_callers(settings, client, clock), noted_in(logger)
    sign_in = SignIn(
        sessions=DynamoSessions(client, table),
        ids=ids,
        secrets=random,
        environment=settings.stage,
        knows=verify.knows,
        note=note,
    )
    return Services(
        clock=clock,
        host=settings.github_host,
        verify=verify,
        manage_tenants=ManageTenants(
            installations=github.installations, tenants=tenants, flags=flags, quotas=quotas, pauses=pauses
        ),
        manage_keys=ManageKeys(keys=DynamoApiKeys(client, table), ids=ids, secrets=random, environment=settings.stage),
        manage_people=ManagePeople(people=people),
        sign_in=sign_in,
        identify=_identify(settings, github, sign_in, key),
        change_flags=ChangeFlags(flags=flags, agents=frozenset(agent.name for agent in AGENTS)),
        change_quotas=ChangeQuotas(quotas=quotas),
        change_pauses=ChangePauses(pauses=pauses),
        change_notices=ChangeNotices(notices=notices),
        ask_reviews=_ask_reviews(settings, clients),
        exports=_exports(settings, clients),
        tenants=tenants,
        people=people,
        flags=flags,
        quotas=quotas,
        pauses=pauses,
        notices=notices,
        notices_to_all=CachedNotices(clock, notices),
        reviews=DynamoLiveReviews(client, table),
        buckets=DynamoBuckets(client, table),
        outbox=DynamoAuditOutbox(client, table),
        queues=_queues(settings, clients, clock),
        read_dead_letters=ReadDeadLetters(store=DynamoReviews(client, table)),
        cursors=Cursors(key=key),
        note=note,
    )


def _identify(settings: ApiSettings, github: GitHubSide, sign_in: SignIn, key: bytes) -> Identify | None:
    if github.people is None:
        return None
    return Identify(
        provider=github.people, sign_in=sign_in, secrets=RandomSecrets(), host=settings.github_host, key=key
    )


def _ask_reviews(settings: ApiSettings, clients: Clients) -> AskReviews:
    client, table = clients.dynamodb, settings.control_table
    return AskReviews(
        ids=RandomIds(),
        queue=SqsReviewQueue(clients.sqs, settings.review_queue_url),
        store=DynamoReviews(client, table),
        reviews=DynamoLiveReviews(client, table),
        outbox=DynamoAuditOutbox(client, table),
    )


def _exports(settings: ApiSettings, clients: Clients) -> OrderExports:
    return OrderExports(
        jobs=DynamoExports(clients.dynamodb, settings.control_table),
        files=S3Exports(clients.objects, settings.objects_bucket),
        exporter=LambdaExporter(clients.functions, settings.maintenance_function),
    )


def _queues(settings: ApiSettings, clients: Clients, clock: Clock) -> tuple[SqsWatchedQueue, ...]:
    addresses = (
        ("reviews", settings.review_queue_url, settings.review_dead_letters_url),
        ("records", settings.record_queue_url, settings.record_dead_letters_url),
    )
    return tuple(
        SqsWatchedQueue(clients.sqs, clients.metrics, clock, name=name, url=url, dead_letters_url=dead)
        for name, url, dead in addresses
    )
