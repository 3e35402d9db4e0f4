"""The composition root: reads the environment and puts each function's parts together.

Imports stand inside the functions, so that each Lambda function loads its own parts only. Each builder is cached: it
runs with the first event, and its connections outlive the event. A ConfigurationError is not cached, and leaves the
handler: nothing may be served until the deployment is mended.
"""
# ruff: noqa: PLC0415, TID251 -- what both rules point elsewhere for, imports on demand and the environment, is this job

import dataclasses
import functools
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aws_lambda_powertools import Logger
    from boto3 import Session
    from sqlalchemy import Engine

    from codereview.adapters.github.app import GitHubApp, Pace
    from codereview.bootstrap_api import Clients, ControlPlane
    from codereview.domain.metrics import Tally
    from codereview.domain.prices import TokenPrices
    from codereview.entrypoints.analyzer import AnalyzerApp
    from codereview.entrypoints.api.app import ApiApp
    from codereview.entrypoints.command_line import CommandLineEngine
    from codereview.entrypoints.custom_resource import CustomResourceApp
    from codereview.entrypoints.http import WebhookEndpoint
    from codereview.entrypoints.maintenance import MaintenanceApp
    from codereview.entrypoints.reconciler import ReconcilerApp
    from codereview.entrypoints.recorder import RecorderApp
    from codereview.entrypoints.reports.routes import ReportServices
    from codereview.entrypoints.reviewer import ReviewerApp
    from codereview.entrypoints.switch_commands import Switches
    from codereview.ports import LanguageModel
    from codereview.record_ports import Shelf
    from codereview.settings import (
        DatabaseSettings,
        LogSettings,
        MaintenanceSettings,
        ReconcilerSettings,
        ReviewerSettings,
    )
    from codereview.use_cases.maintain.break_agents import BreakAgents
    from codereview.use_cases.maintain.compare_reviews import CompareReviews
    from codereview.use_cases.reconcile.announce import AnnounceTrouble
    from codereview.use_cases.reconcile.mail_notices import MailNotices


_MOST_RESERVATIONS = 100  # settled by one run of the reconciler; what is left over is due a minute later


@functools.cache
def webhook() -> "WebhookEndpoint":
    """Build the webhook function; nothing third-party is loaded on the way, since its cold start is GitHub's wait."""
    from codereview.adapters.aws.json_protocol import JsonService, ServiceAddress
    from codereview.adapters.aws.lean_queue import LeanReviewQueue
    from codereview.adapters.aws.lean_secret import LeanWebhookSecret
    from codereview.adapters.aws.signing import Credentials, Scope
    from codereview.adapters.system import SystemClock
    from codereview.domain.webhook import Receiver
    from codereview.entrypoints.http import WebhookEndpoint
    from codereview.entrypoints.json_log import JsonLog
    from codereview.settings import webhook_settings
    from codereview.use_cases.accept_webhook import AcceptWebhook, WebhookSecrets

    settings = webhook_settings(os.environ)
    clock = SystemClock()

    def service(name: str, url: str, json_version: str) -> JsonService:
        return JsonService(
            ServiceAddress(url=url, scope=Scope(region=settings.aws.region, service=name)),
            credentials=Credentials(
                access_key=settings.aws.access_key,
                secret_key=settings.aws.secret_key,
                session_token=settings.aws.session_token,
            ),
            clock=clock,
            jitter=_jitter,
            json_version=json_version,
        )

    secrets_manager = service("secretsmanager", settings.secrets_manager_url, "1.1")
    accept = AcceptWebhook(
        secrets=WebhookSecrets(LeanWebhookSecret(secrets_manager, settings.secret_arn), clock),
        queue=LeanReviewQueue(service("sqs", settings.sqs_url, "1.0"), settings.queue_url),
        clock=clock,
        receiver=Receiver(host=settings.github_host, app_slug=settings.app_slug),
    )
    log = JsonLog(
        _write_line, clock, service=settings.log.service, level=settings.log.level, origin=settings.log.origin
    )
    return WebhookEndpoint(accept=accept, log=log)


@functools.cache
def reviewer() -> "ReviewerApp":
    """Build the reviewer function."""
    import boto3

    from codereview.adapters.aws.analyzer_function import LambdaAnalyzers
    from codereview.adapters.aws.objects import S3Objects
    from codereview.adapters.aws.queues import SqsPostponement, SqsRecordQueue
    from codereview.adapters.aws.secrets import Secrets
    from codereview.adapters.dynamodb.due import DynamoAgenda
    from codereview.adapters.dynamodb.reviews import DynamoReviews
    from codereview.adapters.dynamodb.turns import DynamoTurns
    from codereview.adapters.models.mock import MockModel
    from codereview.adapters.system import RandomIds, SystemClock, peak_memory
    from codereview.agents.registry import ANALYZER_AGENTS, MODEL_AGENTS
    from codereview.bootstrap_reviewer import reviewer_control
    from codereview.bootstrap_tenancy import follow_installations
    from codereview.domain.markers import kept_marker_key, marker_key
    from codereview.domain.metrics import Tally
    from codereview.entrypoints.reviewer import ReviewerApp
    from codereview.settings import reviewer_settings
    from codereview.use_cases.drop_overtaken import DropOvertaken
    from codereview.use_cases.end_review import EndReview
    from codereview.use_cases.hold_busy import HoldBusy
    from codereview.use_cases.make_result import MakeResult, Models, PricedModel
    from codereview.use_cases.park_review import ParkReview
    from codereview.use_cases.publish_review import PublishReview
    from codereview.use_cases.review_change import MAX_FILES_READ, ReviewChange
    from codereview.use_cases.review_pull_request import ReviewPullRequest
    from codereview.use_cases.still_held import StillHeld
    from codereview.use_cases.take_turns import TakeTurns

    settings = reviewer_settings(os.environ)
    clock, session, tally = SystemClock(), boto3.Session(), Tally()
    secrets = Secrets(session.client("secretsmanager", config=_sdk_config()))
    credentials = secrets.read(settings.github_secret_arn, "app_id", "private_key", optional=("marker_key",))
    sqs = session.client("sqs", config=_sdk_config())
    dynamodb = session.client("dynamodb", config=_sdk_config())
    store = DynamoReviews(dynamodb, settings.control_table)
    objects = S3Objects(session.client("s3", config=_sdk_config()), settings.objects_bucket)
    # An analysis takes up to the analyzer function's own time-out, and is repeated by nobody but its adapter.
    analyzers = LambdaAnalyzers(
        session.client("lambda", config=_sdk_config(read_timeout=70, total_max_attempts=1)), settings.analyzer_function
    )
    review_change = ReviewChange(
        clock=clock,
        analyzers=analyzers,
        model_agents=MODEL_AGENTS,
        analyzer_agents=ANALYZER_AGENTS,
        max_files_read=MAX_FILES_READ,
    )
    control = reviewer_control(
        dynamodb,
        settings.control_table,
        clock,
        prices=settings.prices,
        cheaper_prices=settings.cheaper_prices if settings.cheaper_model else None,
    )
    publish = PublishReview(
        clock=clock,
        store=store,
        objects=objects,
        marker_key=kept_marker_key(credentials.get("marker_key")) or marker_key(credentials["private_key"]),
        switches=control.switches,
    )
    cheaper = settings.cheaper_model

    def priced(spec: str, prices: "TokenPrices | None") -> PricedModel:
        return PricedModel(model=_model(settings, spec, secrets, tally=tally, prices=prices), prices=prices)

    record_queue = SqsRecordQueue(sqs, settings.record_queue_url)
    end = EndReview(clock=clock, store=store, record_queue=record_queue, publish=publish)
    github = _github(settings, credentials, pace=control.pace, tally=tally)
    review = ReviewPullRequest(
        clock=clock,
        ids=RandomIds(),
        github=github,
        store=store,
        agenda=DynamoAgenda(dynamodb, settings.control_table),
        make_result=MakeResult(
            clock=clock,
            store=store,
            objects=objects,
            models=Models(
                usual=priced(settings.model, settings.prices),
                cheaper=priced(cheaper, settings.cheaper_prices) if cheaper else None,
                mock=MockModel(),
            ),
            review_change=review_change,
            switches=control.switches,
            admission=control.admission,
            ledger=control.ledger,
        ),
        switches=control.switches,
        pace_reads=control.pace_reads,
        publish=publish,
        park=ParkReview(clock=clock, store=store, end=end, jitter=_jitter),
        end=end,
        jitter=_jitter,
    )
    turns = TakeTurns(
        clock=clock,
        ids=RandomIds(),
        table=DynamoTurns(dynamodb, settings.control_table),
        agenda=DynamoAgenda(dynamodb, settings.control_table),
        review=HoldBusy(clock=clock, agenda=review.agenda, review=review, jitter=_jitter),
        reviewers=settings.reviewers,
        jitter=_jitter,
    )
    held = StillHeld(clock=clock, ids=RandomIds(), store=store, switches=control.switches, review=turns)
    first = follow_installations(
        dynamodb,
        settings.control_table,
        clock,
        github=github,
        host=settings.github_host,
        review=DropOvertaken(clock=clock, store=store, review=held),
        jitter=_jitter,
    )
    return ReviewerApp(
        clock=clock,
        review=first,
        postponement=SqsPostponement(sqs, settings.review_queue_url),
        logger=_logger(settings.log),
        tally=tally,
        peak_memory=peak_memory,
    )


@functools.cache
def reconciler() -> "ReconcilerApp":
    """Build the reconciler function."""
    import boto3

    from codereview.adapters.aws.audit_queue import SqsAuditQueue
    from codereview.adapters.aws.dead_letters import SqsDeadLetters
    from codereview.adapters.aws.queues import SqsRecordQueue, SqsReviewQueue
    from codereview.adapters.aws.secrets import Secrets
    from codereview.adapters.dynamodb.control.buckets import DynamoBuckets
    from codereview.adapters.dynamodb.control.ledger import DynamoBudgetLedger
    from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
    from codereview.adapters.dynamodb.control.tenants import DynamoTenants
    from codereview.adapters.dynamodb.due import DynamoAgenda
    from codereview.adapters.dynamodb.jobs import DynamoJobs
    from codereview.adapters.dynamodb.reviews import DynamoReviews
    from codereview.adapters.dynamodb.sweeps import DynamoSweeps
    from codereview.adapters.github.deliveries import GitHubDeliveries
    from codereview.adapters.github.open_heads import GitHubOpenHeads
    from codereview.adapters.system import RandomIds, SystemClock
    from codereview.bootstrap_tenancy import forget_contacts, renew_tenants
    from codereview.domain.turns import RELEASES_FOR_EACH_REVIEWER
    from codereview.entrypoints.reconciler import NamedJob, ReconcilerApp
    from codereview.settings import reconciler_settings
    from codereview.use_cases.control.pace_writes import PaceWrites
    from codereview.use_cases.end_review import EndReview
    from codereview.use_cases.reconcile.end_poison import EndPoison
    from codereview.use_cases.reconcile.redeliver import RedeliverFailed
    from codereview.use_cases.reconcile.release_due import ReleaseDue
    from codereview.use_cases.reconcile.revive import ReviveDeadLetters
    from codereview.use_cases.reconcile.sweep_heads import SweepHeads
    from codereview.use_cases.send_outbox import SendOutbox

    settings = reconciler_settings(os.environ)
    clock, session = SystemClock(), boto3.Session()
    dynamodb = session.client("dynamodb", config=_sdk_config())
    sqs = session.client("sqs", config=_sdk_config())
    secrets = Secrets(session.client("secretsmanager", config=_sdk_config()))
    jobs = DynamoJobs(dynamodb, settings.control_table)
    release = ReleaseDue(
        clock=clock,
        agenda=DynamoAgenda(dynamodb, settings.control_table),
        queue=SqsReviewQueue(sqs, settings.review_queue_url),
        most_of_a_tenant=settings.reviewers * RELEASES_FOR_EACH_REVIEWER,
    )
    credentials = secrets.read(settings.github_secret_arn, "app_id", "private_key")
    pace = PaceWrites(clock=clock, buckets=DynamoBuckets(dynamodb, settings.control_table))
    github = _github(settings, credentials, pace=pace)
    redeliver = RedeliverFailed(clock=clock, jobs=jobs, log=GitHubDeliveries(github.client))
    sweep = SweepHeads(
        clock=clock,
        ids=RandomIds(),
        jobs=jobs,
        github=GitHubOpenHeads(github),
        memory=DynamoSweeps(dynamodb, settings.control_table, clock),
        tenants=DynamoTenants(dynamodb, settings.control_table),
        store=DynamoReviews(dynamodb, settings.control_table),
        queue=release.queue,
        host=settings.github_host,
    )
    outbox = SendOutbox(
        clock=clock,
        outbox=DynamoAuditOutbox(dynamodb, settings.control_table),
        queue=SqsAuditQueue(sqs, settings.record_queue_url),
    )
    ledger = DynamoBudgetLedger(dynamodb, settings.control_table)
    announce = _announce(dynamodb, settings.control_table)
    tenants = renew_tenants(dynamodb, settings.control_table, clock, github=github, host=settings.github_host)
    contacts = forget_contacts(dynamodb, settings.control_table, clock)
    mail = _mail(settings, session, dynamodb) if settings.notice_sender else None
    poison = EndPoison(
        clock=clock,
        ids=RandomIds(),
        github=github,
        store=sweep.store,
        end=EndReview(
            clock=clock, store=sweep.store, record_queue=SqsRecordQueue(sqs, settings.record_queue_url), publish=None
        ),
    )
    reviews = ReviveDeadLetters(
        clock=clock,
        jobs=jobs,
        queue=SqsDeadLetters(sqs, settings.review_dead_letters_url, name="reviews"),
        end=lambda letter, moved_at: poison(letter, moved_at=moved_at),
    )
    records = ReviveDeadLetters(
        clock=clock, jobs=jobs, queue=SqsDeadLetters(sqs, settings.record_dead_letters_url, name="records")
    )
    return ReconcilerApp(
        clock=clock,
        jobs=(
            NamedJob(name="Release", run=lambda deadline: release(deadline=deadline)),
            NamedJob(name="ReviewDeadLetters", run=lambda _: reviews()),
            NamedJob(name="RecordDeadLetters", run=lambda _: records()),
            NamedJob(name="Deliveries", run=lambda deadline: redeliver(deadline=deadline)),
            NamedJob(name="Outbox", run=lambda deadline: outbox(deadline=deadline)),
            NamedJob(name="Reservations", run=lambda _: ledger.expire(now=clock.now(), limit=_MOST_RESERVATIONS)),
            NamedJob(name="Notices", run=lambda _: announce()),
            *([NamedJob(name="Mail", run=lambda deadline: mail(deadline=deadline))] if mail is not None else []),
            NamedJob(name="Tenants", run=lambda deadline: tenants(deadline=deadline)),
            NamedJob(name="Contacts", run=lambda _: contacts()),
            NamedJob(name="Sweep", run=lambda deadline: sweep(deadline=deadline)),  # last: it uses up the time
        ),
        logger=_logger(settings.log),
    )


def _announce(dynamodb: Any, table: str) -> "AnnounceTrouble":
    from codereview.adapters.dynamodb.control.notices import DynamoNotices
    from codereview.adapters.dynamodb.jobs import DynamoJobs
    from codereview.adapters.dynamodb.waiting import DynamoWaiting
    from codereview.adapters.system import RandomIds, SystemClock
    from codereview.use_cases.control.change_settings import ChangeNotices
    from codereview.use_cases.reconcile.announce import AnnounceTrouble

    notices, clock = DynamoNotices(dynamodb, table), SystemClock()
    return AnnounceTrouble(
        clock=clock,
        ids=RandomIds(),
        jobs=DynamoJobs(dynamodb, table),
        waiting=DynamoWaiting(dynamodb, table, clock),
        notices=notices,
        change_notices=ChangeNotices(notices=notices),
    )


def _mail(settings: "ReconcilerSettings", session: Any, dynamodb: Any) -> "MailNotices":
    from codereview.adapters.aws.mail import SesMail
    from codereview.adapters.dynamodb.control.contacts import DynamoContacts, DynamoMailLog
    from codereview.adapters.dynamodb.control.notices import DynamoNotices
    from codereview.adapters.dynamodb.control.tenants import DynamoTenants
    from codereview.adapters.dynamodb.jobs import DynamoJobs
    from codereview.adapters.system import SystemClock
    from codereview.use_cases.reconcile.mail_notices import MailNotices

    table = settings.control_table
    return MailNotices(
        clock=SystemClock(),
        jobs=DynamoJobs(dynamodb, table),
        tenants=DynamoTenants(dynamodb, table),
        notices=DynamoNotices(dynamodb, table),
        contacts=DynamoContacts(dynamodb, table),
        log=DynamoMailLog(dynamodb, table),
        post=SesMail(session.client("sesv2", config=_sdk_config()), settings.notice_sender or ""),
    )


@functools.cache
def api() -> "ApiApp":
    """Build the api function."""
    import boto3

    from codereview.bootstrap_api import api_app
    from codereview.settings import api_settings

    settings, session = api_settings(os.environ), boto3.Session()
    return api_app(settings, _api_clients(session), jitter=_jitter, logger=_logger(settings.log))


def _api_clients(session: "Session") -> "Clients":
    from codereview.bootstrap_api import Clients

    return Clients(
        dynamodb=session.client("dynamodb", config=_sdk_config()),
        sqs=session.client("sqs", config=_sdk_config()),
        secrets=session.client("secretsmanager", config=_sdk_config()),
        metrics=session.client("cloudwatch", config=_sdk_config(read_timeout=5, total_max_attempts=1)),
        objects=session.client("s3", config=_sdk_config(signature_version="s3v4")),
        functions=session.client("lambda", config=_sdk_config()),
    )


def api_key() -> str | None:
    """Return the command line's key, which never stands among its arguments, where others could read it."""
    return os.environ.get("CODEREVIEW_API_KEY")


def use_aws(environment: "Mapping[str, str]") -> None:
    """Let this process speak to another account from now on: the emulated one of a local stack."""
    os.environ.update(environment)


def control_plane(stack: str) -> "ControlPlane":
    """Build the control plane of a stack in this process, with the credentials of whoever runs it."""
    import boto3

    from codereview.adapters.aws.secrets import Secrets
    from codereview.adapters.system import RandomIds
    from codereview.bootstrap_api import ControlPlane, services_past_the_api
    from codereview.bootstrap_operator import app_key, request, variables
    from codereview.settings import api_settings

    session = boto3.Session()
    settings, clients = api_settings(variables(session, f"{stack}-api")), _api_clients(session)
    key = app_key(Secrets(clients.secrets), settings.github_secret_arn)
    services = services_past_the_api(settings, clients, key, jitter=_jitter, logger=_logger(settings.log))
    return ControlPlane(services=services, ids=RandomIds(), actor=request().actor.id)


@functools.cache
def analyzer() -> "AnalyzerApp":
    """Build the analyzer function, which has no rights and no network, and so nothing to connect to."""
    from codereview.adapters.analyzers.local import local_analyzers
    from codereview.entrypoints.analyzer import AnalyzerApp
    from codereview.settings import Environment, log_settings

    environment = Environment(os.environ)
    settings = log_settings(environment)
    environment.done()
    return AnalyzerApp(analyzers=local_analyzers(), logger=_logger(settings))


@functools.cache
def recorder() -> "RecorderApp":
    """Build the recorder function."""
    import boto3

    from codereview.adapters.aws.objects import S3Objects
    from codereview.adapters.postgres.audit import PostgresAuditLog
    from codereview.adapters.postgres.reviews import PostgresReviewRecord
    from codereview.adapters.system import SystemClock
    from codereview.entrypoints.recorder import RecorderApp
    from codereview.settings import recorder_settings
    from codereview.use_cases.record_audit import RecordAudit
    from codereview.use_cases.record_reviews import RecordReviews

    settings = recorder_settings(os.environ)
    objects = S3Objects(boto3.client("s3", config=_sdk_config()), settings.objects_bucket)
    database = _database(settings.database, is_kept=True)
    return RecorderApp(
        clock=SystemClock(),
        reviews=RecordReviews(objects=objects, record=PostgresReviewRecord(database)),
        audit=RecordAudit(log=PostgresAuditLog(database)),
        logger=_logger(settings.log),
        close=database.dispose,
    )


@functools.cache
def reports() -> "ApiApp[ReportServices]":
    """Build the reports function."""
    import boto3

    from codereview.adapters.aws.objects import S3Objects
    from codereview.adapters.system import SystemClock
    from codereview.bootstrap_reports import reports_app, signing_key
    from codereview.settings import reports_settings

    settings = reports_settings(os.environ)
    # API Gateway waits for 30 s, of which a paused database may take 20 to wake up.
    quick = _sdk_config(read_timeout=3)
    return reports_app(
        settings,
        boto3.client("dynamodb", config=quick),
        _database(settings.database, connect_timeout=20),
        key=signing_key(S3Objects(boto3.client("s3", config=quick), settings.objects_bucket)),
        clock=SystemClock(),
        logger=_logger(settings.log),
    )


@functools.cache
def maintenance() -> "MaintenanceApp":
    """Build the maintenance function."""
    import boto3

    from codereview.adapters.aws.objects import S3Objects
    from codereview.adapters.dynamodb.control.live_reviews import DynamoLiveReviews
    from codereview.adapters.dynamodb.control.tenants import DynamoTenants
    from codereview.adapters.postgres.caring import PostgresCare
    from codereview.adapters.system import SystemClock
    from codereview.settings import maintenance_settings
    from codereview.use_cases.maintain.compare_reviews import CompareReviews

    settings = maintenance_settings(os.environ)
    dynamodb = boto3.client("dynamodb", config=_sdk_config())
    # An archive's object may be large, and nobody waits for it.
    shelf = S3Objects(boto3.client("s3", config=_sdk_config(read_timeout=60)), settings.objects_bucket)
    database = _database(settings.database)
    compare = CompareReviews(
        clock=SystemClock(),
        tenants=DynamoTenants(dynamodb, settings.control_table),
        reviews=DynamoLiveReviews(dynamodb, settings.control_table),
        record=PostgresCare(database),
    )
    breaker = _breaker(settings, dynamodb, database)
    app = _maintenance(database, shelf, settings.log, compare=compare, breaker=breaker)
    return dataclasses.replace(app, commands={**app.commands, **_switches(settings, dynamodb).commands()})


def _switches(settings: "MaintenanceSettings", dynamodb: Any) -> "Switches":
    from codereview.adapters.dynamodb.control.settings import DynamoFlags
    from codereview.adapters.dynamodb.control.tenants import DynamoTenants
    from codereview.agents.registry import AGENTS
    from codereview.entrypoints.switch_commands import Switches
    from codereview.use_cases.control.block_tenant import BlockTenant
    from codereview.use_cases.control.change_settings import ChangeFlags

    flags = DynamoFlags(dynamodb, settings.control_table)
    return Switches(
        flags=flags,
        change_flags=ChangeFlags(flags=flags, agents=frozenset(agent.name for agent in AGENTS)),
        block_tenant=BlockTenant(tenants=DynamoTenants(dynamodb, settings.control_table)),
    )


def _breaker(settings: "MaintenanceSettings", dynamodb: Any, database: "Engine") -> "BreakAgents":
    from codereview.adapters.dynamodb.control.notices import DynamoNotices
    from codereview.adapters.dynamodb.control.settings import DynamoFlags
    from codereview.adapters.dynamodb.control.tenants import DynamoTenants
    from codereview.adapters.dynamodb.jobs import DynamoJobs
    from codereview.adapters.postgres.reports import PostgresReports
    from codereview.adapters.system import SystemClock
    from codereview.agents.registry import AGENTS
    from codereview.use_cases.control.change_settings import ChangeFlags, ChangeNotices
    from codereview.use_cases.maintain.break_agents import BreakAgents

    table, clock = settings.control_table, SystemClock()
    flags, notices = DynamoFlags(dynamodb, table), DynamoNotices(dynamodb, table)
    return BreakAgents(
        clock=clock,
        tenants=DynamoTenants(dynamodb, table),
        flags=flags,
        notices=notices,
        jobs=DynamoJobs(dynamodb, table),
        precision=PostgresReports(database, clock),
        change_flags=ChangeFlags(flags=flags, agents=frozenset(agent.name for agent in AGENTS)),
        change_notices=ChangeNotices(notices=notices),
    )


def _maintenance(
    database: "Engine",
    shelf: "Shelf",
    log: "LogSettings",
    *,
    compare: "CompareReviews | None" = None,
    breaker: "BreakAgents | None" = None,
) -> "MaintenanceApp":
    from codereview.adapters.postgres.archiving import PostgresArchives
    from codereview.adapters.postgres.audit import PostgresAuditLog
    from codereview.adapters.postgres.caring import PostgresCare
    from codereview.adapters.postgres.exporting import PostgresFindingSource
    from codereview.adapters.postgres.months import PostgresPartitions
    from codereview.adapters.postgres.retaining import PostgresRetention
    from codereview.adapters.postgres.upkeep import PostgresSingleFlight
    from codereview.adapters.system import SystemClock
    from codereview.entrypoints.maintenance import MaintenanceApp
    from codereview.entrypoints.maintenance_commands import Upkeep
    from codereview.use_cases.maintain.archive_months import ArchiveMonths
    from codereview.use_cases.maintain.care_for_tables import CareForTables
    from codereview.use_cases.maintain.delete_tenant import DeleteTenant
    from codereview.use_cases.maintain.export_findings import ExportFindings
    from codereview.use_cases.maintain.keep_anchors import KeepAnchors
    from codereview.use_cases.maintain.keep_retention import ChangeRetention, KeepRetention
    from codereview.use_cases.maintain.restore_archive import RestoreArchive

    clock, audit, care = SystemClock(), PostgresAuditLog(database), PostgresCare(database)
    partitions, archives, retention = (
        PostgresPartitions(database),
        PostgresArchives(database),
        PostgresRetention(database),
    )
    logger = _logger(log)
    upkeep = Upkeep(
        clock=clock,
        partitions=partitions,
        archives=archives,
        care=care,
        tables=CareForTables(clock=clock, tables=care),
        archive=ArchiveMonths(clock=clock, partitions=partitions, archives=archives, shelf=shelf),
        restore=RestoreArchive(clock=clock, archives=archives, shelf=shelf),
        retention=KeepRetention(clock=clock, retention=retention, archives=archives, shelf=shelf),
        rules=ChangeRetention(clock=clock, retention=retention),
        deletion=DeleteTenant(clock=clock, retention=retention, shelf=shelf),
        export=ExportFindings(source=PostgresFindingSource(database), shelf=shelf, audit=audit),
        anchors=KeepAnchors(clock=clock, chains=audit, shelf=shelf),
        compare=compare,
        breaker=breaker,
        logger=logger,
    )
    return MaintenanceApp(
        clock=clock, commands=upkeep.commands(), flight=PostgresSingleFlight(database), audit=audit, logger=logger
    )


def database_commands(
    *, function: str, database_url: str | None, archives: "Path"
) -> "Callable[[str, dict[str, Any]], Any]":
    """Build what runs one command of the maintenance: the function, or all of it here on a database of one's own."""
    if database_url is not None:
        return _local_maintenance(database_url, archives)
    import boto3

    from codereview.adapters.aws.maintenance_function import LambdaMaintenance
    from codereview.bootstrap_operator import request

    # The function runs up to 15 minutes, and a command is not given twice.
    client = boto3.Session().client("lambda", config=_sdk_config(read_timeout=910, total_max_attempts=1))
    call, asked = LambdaMaintenance(client, function), request()
    envelope = {"actor_kind": "operator", "actor": asked.actor.id, "request_id": asked.id}
    return lambda action, parameters: call({"action": action, "parameters": parameters, **envelope})


def _local_maintenance(database_url: str, archives: "Path") -> "Callable[[str, dict[str, Any]], Any]":
    import sqlalchemy as sa

    from codereview.adapters.aws.maintenance_function import accepted
    from codereview.adapters.system import RandomIds
    from codereview.adapters.system.folder import FolderShelf
    from codereview.entrypoints.maintenance import Caller
    from codereview.settings import LogSettings

    url = sa.make_url(database_url).set(drivername="postgresql+psycopg")
    database = sa.create_engine(url, poolclass=sa.NullPool)
    app = _maintenance(database, FolderShelf(archives), LogSettings(service="maintenance", level="WARNING"))
    envelope = {"actor_kind": "operator", "actor": f"local:{url.username}"}
    context: Any = Caller(aws_request_id=str(RandomIds().new()))
    return lambda action, parameters: accepted(
        app.process({"action": action, "parameters": parameters, **envelope}, context)
    )


@functools.cache
def migrations() -> "CustomResourceApp":
    """Build the migrations function."""
    from codereview.adapters.postgres.migrating import migrate
    from codereview.adapters.system import SystemClock
    from codereview.entrypoints.custom_resource import CustomResourceApp
    from codereview.settings import migrations_settings

    settings = migrations_settings(os.environ)
    database, clock = _database(settings.database), SystemClock()
    return CustomResourceApp(apply=lambda: migrate(database, now=clock.now()), logger=_logger(settings.log))


def command_line(model: str) -> "CommandLineEngine":
    """Build the engine for a checkout on this machine; keys of providers come from their usual variables."""
    from codereview.adapters.analyzers.local import local_analyzers
    from codereview.adapters.models.selection import language_model
    from codereview.adapters.system import SystemClock
    from codereview.agents.registry import ANALYZER_AGENTS, MODEL_AGENTS
    from codereview.entrypoints.command_line import CommandLineEngine
    from codereview.use_cases.review_change import ReviewChange

    variable = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}.get(model.partition(":")[0])
    clock = SystemClock()
    return CommandLineEngine(
        clock=clock,
        model=language_model(model, api_key=os.environ.get(variable) if variable else None),
        review_change=ReviewChange(
            clock=clock, analyzers=local_analyzers(), model_agents=MODEL_AGENTS, analyzer_agents=ANALYZER_AGENTS
        ),
    )


def _github(
    settings: "ReviewerSettings | ReconcilerSettings",
    credentials: dict[str, str],
    *,
    pace: "Pace | None" = None,
    tally: "Tally | None" = None,
) -> "GitHubApp":
    from codereview.adapters.github.app import GitHubApp, unpaced
    from codereview.adapters.github.quota import watch_quota
    from codereview.adapters.github.tokens import AppCredentials
    from codereview.adapters.http import outbound_client
    from codereview.adapters.system import SystemClock

    http = outbound_client()
    if tally is not None:
        http.event_hooks = {"response": [watch_quota(tally)]}
    return GitHubApp(
        http,
        api_url=settings.github_api_url,
        credentials=AppCredentials(app_id=credentials["app_id"], private_key=credentials["private_key"]),
        clock=SystemClock(),
        jitter=_jitter,
        pace=pace or unpaced,
    )


def _model(
    settings: "ReviewerSettings", spec: str, secrets: Any, *, tally: "Tally", prices: "TokenPrices | None"
) -> "LanguageModel":
    """Open a model of the deployment; only those that need a key make us read one."""
    from codereview.adapters.circuit import Circuit
    from codereview.adapters.models.circuit import CircuitModel
    from codereview.adapters.models.counted import CountedModel
    from codereview.adapters.models.selection import language_model
    from codereview.adapters.system import SystemClock

    needs_key = spec.startswith(("anthropic:", "openai:"))
    api_key = secrets.read(settings.model_secret_arn, "api_key")["api_key"] if needs_key else None
    model = language_model(spec, api_key=api_key, bedrock_endpoint_url=settings.bedrock_endpoint_url)
    return CircuitModel(CountedModel(model, tally, prices), Circuit(SystemClock(), name="the language model"))


def _database(settings: "DatabaseSettings", *, connect_timeout: int = 40, is_kept: bool = False) -> "Engine":
    """Reach the record, with an IAM token for each connection: signed here, without a call to anybody."""
    import boto3

    from codereview.adapters.postgres.connections import DatabaseAddress, engine

    signer = boto3.client("rds", region_name=settings.region, config=_sdk_config())

    def token() -> str:
        return str(signer.generate_db_auth_token(settings.host, settings.port, settings.user, Region=settings.region))

    return engine(
        DatabaseAddress(
            host=settings.host,
            port=settings.port,
            name=settings.name,
            user=settings.user,
            sslmode=settings.sslmode,
            ca_file=settings.ca_file,
            password=token,
            connect_timeout=connect_timeout,
        ),
        is_kept=is_kept,
    )


def _logger(settings: "LogSettings") -> "Logger":
    from codereview.entrypoints.logger import function_logger

    return function_logger(settings.service, level=settings.level, origin=settings.origin)


def _sdk_config(*, read_timeout: int = 10, total_max_attempts: int = 3, signature_version: str | None = None) -> Any:
    """Bound every AWS call: the SDK's own minute of patience is a fifth of the function's life."""
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": total_max_attempts}
    return Config(connect_timeout=3, read_timeout=read_timeout, retries=retries, signature_version=signature_version)


def _jitter() -> float:
    """Return a number from 0 to 1; `random` would cost more to import than all that is done with it."""
    return os.urandom(1)[0] / 255


def _write_line(line: str) -> None:
    """Write to what is stdout now: the runtime puts its own stream there."""
    sys.stdout.write(line)
    sys.stdout.flush()
