"""The part of the composition root that puts the api function together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from codereview.adapters.aws.exports import S3Exports
from codereview.adapters.aws.maintenance_function import LambdaExporter
from codereview.adapters.aws.queues import SqsReviewQueue
from codereview.adapters.aws.secrets import Secrets
from codereview.adapters.aws.watched_queue import SqsWatchedQueue
from codereview.adapters.dynamodb.control.buckets import DynamoBuckets
from codereview.adapters.dynamodb.control.exports import DynamoExports
from codereview.adapters.dynamodb.control.keys import DynamoApiKeys
from codereview.adapters.dynamodb.control.live_reviews import DynamoLiveReviews
from codereview.adapters.dynamodb.control.notices import DynamoNotices
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.dynamodb.control.pauses import DynamoPauses
from codereview.adapters.dynamodb.control.people import DynamoPeople
from codereview.adapters.dynamodb.control.replies import DynamoReplies
from codereview.adapters.dynamodb.control.sessions import DynamoSessions
from codereview.adapters.dynamodb.control.settings import DynamoFlags, DynamoQuotas
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.adapters.github.app import app_client
from codereview.adapters.github.identity import GitHubIdentity, OAuthClient
from codereview.adapters.github.installations import GitHubInstallations
from codereview.adapters.github.tokens import AppCredentials
from codereview.adapters.http import outbound_client
from codereview.adapters.system import RandomIds, RandomSecrets, SystemClock
from codereview.adapters.system.sealing import AesSeal
from codereview.agents.registry import AGENTS
from codereview.control_ports import IdentityProvider, Installations
from codereview.domain.control.people import PersonId
from codereview.entrypoints.api.app import ApiApp
from codereview.entrypoints.api.cursors import Cursors
from codereview.entrypoints.api.doors import Doors
from codereview.entrypoints.api.once import Once
from codereview.entrypoints.api.services import Services
from codereview.entrypoints.api.strangers import noted_in
from codereview.entrypoints.api.table import ROUTES
from codereview.ports import Clock, Ids
from codereview.settings import ApiSettings
from codereview.use_cases.control.ask_reviews import AskReviews
from codereview.use_cases.control.cached_notices import CachedNotices
from codereview.use_cases.control.cached_settings import CachedSettings
from codereview.use_cases.control.change_settings import ChangeFlags, ChangeNotices, ChangePauses, ChangeQuotas
from codereview.use_cases.control.identify import Identify
from codereview.use_cases.control.manage_keys import ManageKeys
from codereview.use_cases.control.manage_people import ManagePeople
from codereview.use_cases.control.manage_tenants import ManageTenants
from codereview.use_cases.control.order_exports import OrderExports
from codereview.use_cases.control.redrive import ReadDeadLetters
from codereview.use_cases.control.sign_in import SignIn
from codereview.use_cases.control.verify_callers import VerifyCallers

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient

_KEY_BYTES = 32


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
class ControlPlane:
    """The control plane in an operator's hands; `actor` is the ARN that the audit log will name."""

    services: Services
    ids: Ids
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubSide:
    """What only GitHub can say; `people` None: nobody signs in."""

    installations: Installations
    people: IdentityProvider | None


def api_app(
    settings: ApiSettings, clients: Clients, *, jitter: Callable[[], float], logger: Logger, clock: Clock | None = None
) -> ApiApp:
    """Build the function; raises ConfigurationError where a secret has no value yet."""
    clock = clock or SystemClock()
    secrets = Secrets(clients.secrets)
    key = secrets.read(settings.api_secret_arn, "signing_key")["signing_key"].encode()
    github = _github(settings, secrets, clock=clock, jitter=jitter)
    return assemble(settings, clients, github, key=key, clock=clock, logger=logger)


def assemble(
    settings: ApiSettings, clients: Clients, github: GitHubSide, *, key: bytes, clock: Clock, logger: Logger
) -> ApiApp:
    """Put the function together around GitHub's side; `key` is the deployment's signing key."""
    services = _services(settings, clients, github, key, clock, logger=logger)
    client, table = clients.dynamodb, settings.control_table
    return ApiApp(
        services=services,
        doors=Doors(
            services=services,
            settings=CachedSettings(clock, services.flags, services.quotas),
            keys=DynamoApiKeys(client, table),
        ),
        once=Once(replies=DynamoReplies(client, table), seal=AesSeal(key)),
        ids=RandomIds(),
        routes=ROUTES,
        logger=logger,
    )


def services_past_the_api(
    settings: ApiSettings,
    clients: Clients,
    key: Callable[[], AppCredentials],
    *,
    jitter: Callable[[], float],
    logger: Logger,
) -> Services:
    """Put the use cases together for one command: nobody signs in, and GitHub is asked with the App's `key`."""
    clock = SystemClock()
    client = app_client(outbound_client(), api_url=settings.github_api_url, credentials=key, clock=clock, jitter=jitter)
    installations = GitHubInstallations(client, host=settings.github_host, clock=clock)
    github = GitHubSide(installations=installations, people=None)
    # Cursors are good as long as the command runs, so the deployment's own key is not needed for them.
    return _services(settings, clients, github, RandomSecrets().draw(_KEY_BYTES), clock, logger=logger)


def _services(
    settings: ApiSettings, clients: Clients, github: GitHubSide, key: bytes, clock: Clock, *, logger: Logger
) -> Services:
    client, table, ids, random = clients.dynamodb, settings.control_table, RandomIds(), RandomSecrets()
    tenants, people = DynamoTenants(client, table), DynamoPeople(client, table)
    flags, quotas = DynamoFlags(client, table), DynamoQuotas(client, table)
    pauses, notices = DynamoPauses(client, table), DynamoNotices(client, table)
    verify, note = _verify(settings, client, clock), noted_in(logger)
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


def _verify(settings: ApiSettings, client: "DynamoDBClient", clock: Clock) -> VerifyCallers:
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


def _github(settings: ApiSettings, secrets: Secrets, *, clock: Clock, jitter: Callable[[], float]) -> GitHubSide:
    """Reach GitHub for installations, and for people where its App's OAuth client is known."""
    oauth = ("client_id", "client_secret")
    values = secrets.read(settings.github_secret_arn, "app_id", "private_key", optional=oauth)
    http = outbound_client()
    credentials = AppCredentials(app_id=values["app_id"], private_key=values["private_key"])
    client = app_client(
        http, api_url=settings.github_api_url, credentials=lambda: credentials, clock=clock, jitter=jitter
    )
    installations = GitHubInstallations(client, host=settings.github_host, clock=clock)
    if not all(name in values for name in oauth):
        return GitHubSide(installations=installations, people=None)
    oauth_client = OAuthClient(
        client_id=values["client_id"],
        client_secret=values["client_secret"],
        redirect_url=settings.sign_in_redirect_url,
    )
    people = GitHubIdentity(http, web_url=settings.github_web_url, api_url=settings.github_api_url, client=oauth_client)
    return GitHubSide(installations=installations, people=people)
