"""The part of the composition root for operators' commands: a stack's use cases, with the operator's credentials."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.dead_letters import SqsDeadLetters
from codereview.adapters.aws.errors import translated
from codereview.adapters.aws.inspection import Inspection, StackAliases
from codereview.adapters.aws.objects import S3Objects
from codereview.adapters.aws.queues import SqsReviewQueue
from codereview.adapters.aws.releases import FunctionReleases
from codereview.adapters.aws.secrets import Secrets
from codereview.adapters.aws.templates import StackTemplates, seconds_of_a_review
from codereview.adapters.aws.workers import LambdaWorkers
from codereview.adapters.dynamodb.control.contacts import DynamoContacts
from codereview.adapters.dynamodb.control.deployments import DynamoDeployLogs
from codereview.adapters.dynamodb.control.live_reviews import DynamoLiveReviews
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.dynamodb.control.workers import DynamoScalingNotes
from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.adapters.github.app import app_client
from codereview.adapters.github.client import GitHubClient
from codereview.adapters.github.deliveries import GitHubDeliveries
from codereview.adapters.github.installations import GitHubInstallations
from codereview.adapters.github.tokens import AppCredentials
from codereview.adapters.http import outbound_client
from codereview.adapters.system import RandomIds, SystemClock
from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.domain.workers import WorkerKind
from codereview.ports import Clock
from codereview.settings import ReconcilerSettings, reconciler_settings
from codereview.use_cases.control.change_contacts import ChangeContacts
from codereview.use_cases.operate_releases import OperateReleases
from codereview.use_cases.operate_workers import OperateWorkers
from codereview.use_cases.reconcile.by_hand import (
    AtOnce,
    Tell,
    ToldAgenda,
    ToldClock,
    ToldDeadLetters,
    ToldDeliveries,
    ToldQueue,
)
from codereview.use_cases.reconcile.redeliver import RedeliverFailed
from codereview.use_cases.reconcile.release_due import ReleaseDue
from codereview.use_cases.reconcile.revive import ReviveDeadLetters
from codereview.use_cases.trace_review import TraceReview

Job = Callable[[datetime], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A stack in the hands of whoever holds the credentials."""

    clock: Clock
    host: str  # of GitHub
    trace: TraceReview
    installations: GitHubInstallations
    jobs: Callable[[datetime, Tell, bool], Mapping[str, Job]]  # since when, whom to tell, whether to rehearse


def operator(stack: str) -> Operator:
    """Reach a stack: its functions say where everything is. Raises a CodeReviewError if they cannot be asked."""
    session, clock = boto3.Session(), SystemClock()
    settings = reconciler_settings(variables(session, f"{stack}-reconciler"))
    reviewer = variables(session, f"{stack}-reviewer")
    dynamodb, table = session.client("dynamodb", config=CONFIG), settings.control_table
    objects = S3Objects(session.client("s3", config=CONFIG), reviewer["OBJECTS_BUCKET"])
    agenda = DynamoAgenda(dynamodb, table)
    github = _github(session, settings, clock)
    return Operator(
        clock=clock,
        host=reviewer["GITHUB_HOST"],
        trace=TraceReview(
            store=DynamoReviews(dynamodb, table),
            reviews=DynamoLiveReviews(dynamodb, table),
            agenda=agenda,
            objects=objects,
            times=objects,
        ),
        installations=GitHubInstallations(github, host=reviewer["GITHUB_HOST"], clock=clock),
        jobs=_Jobs(settings=settings, sqs=session.client("sqs", config=CONFIG), agenda=agenda, github=github),
    )


def workers(stack: str, kind: WorkerKind) -> OperateWorkers:
    """Reach the workers of one queue of a stack."""
    session = boto3.Session()
    dynamodb, table = session.client("dynamodb", config=CONFIG), control_table(session, stack)
    function, told = _WORKERS[kind]
    return OperateWorkers(
        kind=kind,
        pool=LambdaWorkers(
            session.client("lambda", config=CONFIG), f"{stack}-{function}", told=[f"{stack}-{name}" for name in told]
        ),
        notes=DynamoScalingNotes(dynamodb, table),
        outbox=DynamoAuditOutbox(dynamodb, table),
    )


# The reconciler paces by the number of reviewers what it releases.
_WORKERS: Mapping[WorkerKind, tuple[str, tuple[str, ...]]] = {
    WorkerKind.REVIEW: ("reviewer", ("reviewer", "reconciler")),
    WorkerKind.RECORD: ("recorder", ()),
}


def clients(*services: str) -> Mapping[str, Any]:
    """Open clients of AWS with the caller's own credentials, by service."""
    make: Any = boto3.Session().client  # its type knows one overload a service, and no service that is a variable
    return {service: make(service, config=CONFIG) for service in services}


def releases(stack: str) -> OperateReleases:
    """Reach what is deployed, and the log of it."""
    session, opened = boto3.Session(), clients("lambda")
    dynamodb, table = session.client("dynamodb", config=CONFIG), control_table(session, stack)
    return OperateReleases(
        aliases=StackAliases(Inspection(opened, stack), opened["lambda"]),
        logs=DynamoDeployLogs(dynamodb, table),
        outbox=DynamoAuditOutbox(dynamodb, table),
        migrations=f"{stack}-migrations",
    )


def contacts(stack: str) -> ChangeContacts:
    """Reach the tenants' mail addresses."""
    session = boto3.Session()
    dynamodb, table = session.client("dynamodb", config=CONFIG), control_table(session, stack)
    return ChangeContacts(tenants=DynamoTenants(dynamodb, table), store=DynamoContacts(dynamodb, table))


def templates(stack: str) -> Mapping[str, Mapping[str, Any]]:
    """Read the templates of a stack, and of the stacks in it, as CloudFormation translated them."""
    return StackTemplates(clients("cloudformation")["cloudformation"]).read(stack)


def reviewer_seconds(stack: str) -> float | None:
    """Return what a posted review took of reviewers in the last week; None where nobody knows."""
    return seconds_of_a_review(clients("cloudwatch")["cloudwatch"], stack, now=SystemClock().now())


def reviewer_megabytes(stack: str) -> int:
    """Return the memory of the reviewers that run, which `workers resize` may have changed since the deploy."""
    return FunctionReleases(clients("lambda")["lambda"], f"{stack}-reviewer").live().memory_mb


def control_table(session: boto3.Session, stack: str) -> str:
    """Return the name of a stack's control table."""
    return variables(session, f"{stack}-reconciler")["CONTROL_TABLE"]


def request() -> Request:
    """Name whoever holds the credentials, for the audit log."""
    try:
        arn = boto3.Session().client("sts", config=CONFIG).get_caller_identity()["Arn"]
    except (ClientError, BotoCoreError) as error:
        raise translated("STS", error) from error
    return Request(actor=Actor(kind=ActorKind.OPERATOR, id=arn), id=str(RandomIds().new()), at=SystemClock().now())


CONFIG = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}, tcp_keepalive=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Jobs:
    """Builds the reconciler's jobs for one run by hand."""

    settings: ReconcilerSettings
    sqs: Any
    agenda: DynamoAgenda
    github: GitHubClient

    def __call__(self, since: datetime, tell: Tell, is_rehearsal: bool) -> Mapping[str, Job]:  # noqa: FBT001 -- as declared
        """Put them together."""
        settings, jobs = self.settings, AtOnce(since=since)
        clock = ToldClock(inner=SystemClock(), is_rehearsal=is_rehearsal)
        release = ReleaseDue(
            clock=clock,
            agenda=ToldAgenda(inner=self.agenda, is_rehearsal=is_rehearsal),
            queue=ToldQueue(
                inner=SqsReviewQueue(self.sqs, settings.review_queue_url), tell=tell, is_rehearsal=is_rehearsal
            ),
        )
        log = ToldDeliveries(inner=GitHubDeliveries(self.github), tell=tell, is_rehearsal=is_rehearsal)
        redeliver = RedeliverFailed(clock=clock, jobs=jobs, log=log)

        def revive(name: str, url: str) -> Job:
            letters = SqsDeadLetters(self.sqs, url, name=name)
            queue = ToldDeadLetters(inner=letters, tell=tell, is_rehearsal=is_rehearsal)
            job = ReviveDeadLetters(clock=clock, jobs=jobs, queue=queue)
            return lambda _deadline: job()

        return {
            "release": lambda deadline: release(deadline=deadline),
            "deliveries": lambda deadline: redeliver(deadline=deadline),
            "review dead letters": revive("reviews", settings.review_dead_letters_url),
            "record dead letters": revive("records", settings.record_dead_letters_url),
        }


LONGEST_RUN = timedelta(hours=1)


def _github(session: boto3.Session, settings: ReconcilerSettings, clock: Clock) -> GitHubClient:
    secrets = Secrets(session.client("secretsmanager", config=CONFIG))
    return app_client(
        outbound_client(),
        api_url=settings.github_api_url,
        credentials=app_key(secrets, settings.github_secret_arn),
        clock=clock,
        jitter=lambda: 0.5,
    )


def app_key(secrets: Secrets, arn: str) -> Callable[[], AppCredentials]:
    """Read the App's key once, and not before GitHub is asked for something: who may only look may not read it."""

    @functools.cache
    def read() -> AppCredentials:
        values = secrets.read(arn, "app_id", "private_key")
        return AppCredentials(app_id=values["app_id"], private_key=values["private_key"])

    return read


def variables(session: boto3.Session, function: str) -> Mapping[str, str]:
    """Return what a function is told by its environment."""
    try:
        answer = session.client("lambda", config=CONFIG).get_function_configuration(FunctionName=function)
    except (ClientError, BotoCoreError) as error:
        raise translated("Lambda", error) from error
    found: Mapping[str, str] = answer["Environment"]["Variables"]
    return found
