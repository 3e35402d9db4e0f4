"""The doctor: everything that can be looked at of a deployment from the outside, with an operator's credentials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from botocore.config import Config

from codereview.adapters.aws.inspection import Inspection
from codereview.adapters.aws.maintenance_function import LambdaMaintenance
from codereview.adapters.aws.secrets import Secrets
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.dynamodb.jobs import DynamoJobs
from codereview.adapters.github.client import GitHubClient
from codereview.adapters.github.deliveries import GitHubDeliveries
from codereview.adapters.github.registration import GitHubRegistration, github_time, ping
from codereview.adapters.github.tokens import PERMISSIONS
from codereview.adapters.http import outbound_client
from codereview.adapters.system import RandomIds, SystemClock
from codereview.bootstrap.account import CONFIG, clients, session
from codereview.bootstrap.github import app_key, operators_client
from codereview.bootstrap.model_trial import try_model
from codereview.bootstrap.models import needs_key
from codereview.bootstrap.queues import watched_queues
from codereview.bootstrap.workers import operate_workers
from codereview.domain import diagnosis
from codereview.domain.diagnosis import Diagnosis, TableHealth
from codereview.domain.workers import WorkerKind
from codereview.errors import ConfigurationError
from codereview.use_cases.diagnose import Diagnose, Part

_SERVICES = ("cloudwatch", "dynamodb", "lambda", "s3", "secretsmanager", "sesv2", "sns", "sqs", "sts")
_LAST_HOUR = timedelta(hours=1)
_PATIENT = Config(read_timeout=120, retries={"total_max_attempts": 1})
_JOB = "deliveries"  # the reconciler's, due every few minutes


def diagnose(stack: str, *, asks_model: bool, wakes_database: bool, reads_secrets: bool = True) -> Diagnose:
    """Put together everything that can be looked at; nothing is asked yet."""
    look = _Looks(stack=stack, clients=clients(*_SERVICES))
    parts = [
        Part(subject="AWS", look=look.aws, mend="check your AWS credentials and region"),
        *(look.with_secrets() if reads_secrets else ()),
        Part(subject="queues", look=look.queues, mend="make deploy STAGE=…"),
        Part(subject="workers", look=look.workers, mend="make deploy STAGE=…"),
        Part(subject="account concurrency", look=look.concurrency, mend="check your AWS credentials"),
        Part(subject="versions", look=look.releases, mend="make deploy STAGE=…"),
        Part(subject="control table", look=look.control, mend="make deploy STAGE=…"),
        Part(subject="mail", look=look.mail, mend="verify NoticeSender in SES, or deploy without it"),
        Part(subject="bucket", look=look.bucket, mend="make deploy STAGE=…"),
        Part(subject="alarms", look=look.alarms, mend="check your AWS credentials"),
        Part(subject="prices", look=look.prices, mend="make deploy STAGE=…"),
    ]
    if asks_model:
        parts.append(Part(subject="model", look=look.model, mend="codereview secrets rotate model"))
    if wakes_database:
        parts.append(Part(subject="database", look=look.database, mend="look at the maintenance function's log"))
    return Diagnose(parts=parts)


@dataclass(kw_only=True)
class _Looks:
    """Each look reads and judges; what several need is read once."""

    stack: str
    clients: Mapping[str, Any]

    @cached_property
    def inspection(self) -> Inspection:
        return Inspection(self.clients, self.stack)

    @cached_property
    def reviewer(self) -> Mapping[str, str]:
        return self.inspection.variables("reviewer")

    @cached_property
    def api(self) -> Mapping[str, str]:
        return self.inspection.variables("api")

    @cached_property
    def keys(self) -> Secrets:
        return Secrets(self.clients["secretsmanager"])

    @cached_property
    def registration(self) -> GitHubRegistration:
        return GitHubRegistration(self._client)

    @cached_property
    def _client(self) -> GitHubClient:
        key = app_key(self.keys, self.reviewer["GITHUB_APP_SECRET_ARN"])
        return operators_client(key, api_url=self.reviewer["GITHUB_API_URL"])

    @property
    def _spec(self) -> str:
        return self.reviewer["MODEL"]

    def with_secrets(self) -> Sequence[Part]:
        """Name what nobody can look at who may not read the secrets."""
        return (
            Part(subject="secrets", look=self.secrets, mend="codereview secrets rotate"),
            Part(subject="GitHub", look=self.github, mend="codereview secrets rotate github-app"),
            Part(subject="webhook", look=self.webhook, mend="look at the webhook function's log"),
        )

    def aws(self) -> Sequence[Diagnosis]:
        identity, now = self.inspection.identity(), SystemClock().now()
        found = [diagnosis.green("AWS", f"account {identity.account}, as {identity.arn}")]
        if identity.at is not None:
            found.append(diagnosis.of_skew(identity.at - now, "AWS"))
        return found

    def secrets(self) -> Sequence[Diagnosis]:
        wanted: list[tuple[str, str, tuple[str, ...]]] = [
            ("github-app", self.reviewer["GITHUB_APP_SECRET_ARN"], ("app_id", "private_key")),
            ("webhook", self.inspection.variables("webhook")["WEBHOOK_SECRET_ARN"], ("current",)),
            ("cursor", self.api["API_SECRET_ARN"], ("signing_key",)),
        ]
        if needs_key(self._spec):
            wanted.append(("model", self.reviewer["MODEL_SECRET_ARN"], ("api_key",)))
        return [self._secret(*each) for each in wanted]

    def _secret(self, name: str, arn: str, fields: Sequence[str]) -> Diagnosis:
        subject = f"secret {name}"
        try:
            values = self.keys.read(arn, *fields, optional=("previous",))
        except ConfigurationError as error:
            return diagnosis.red(subject, str(error), f"codereview secrets rotate {name}")
        if "previous" in values:
            return diagnosis.yellow(
                subject, "two are accepted", "codereview secrets retire webhook, once GitHub signs with the new one"
            )
        return diagnosis.green(subject, f"{', '.join(fields)}: there")

    def github(self) -> Sequence[Diagnosis]:
        app = self.registration.app()
        clock, at = SystemClock(), github_time(outbound_client(), self.reviewer["GITHUB_API_URL"])
        now = clock.now()
        found = [
            diagnosis.green("GitHub", f"takes the App's key: {app.slug}"),
            diagnosis.of_permissions(app.permissions, PERMISSIONS, app.settings_page),
            diagnosis.of_events(app.events, app.settings_page),
        ]
        if at is not None:
            found.append(diagnosis.of_skew(at - now, "GitHub"))
        attempts = list(GitHubDeliveries(self._client).since(now - _LAST_HOUR))
        return [*found, diagnosis.of_deliveries(sum(not each.is_ok for each in attempts), len(attempts))]

    def webhook(self) -> Sequence[Diagnosis]:
        url = self.registration.hook_url()
        if url is None:
            page = self.registration.app().settings_page
            return [
                diagnosis.red("webhook", "GitHub sends webhooks nowhere", f"set the stack's WebhookUrl under {page}")
            ]
        arn = self.inspection.variables("webhook")["WEBHOOK_SECRET_ARN"]
        secret = self.keys.read(arn, "current")["current"].encode()
        trip = ping(outbound_client(), url, secret, guid=RandomIds().new())
        return [diagnosis.of_round_trip(url, trip.signed, trip.forged)]

    def queues(self) -> Sequence[Diagnosis]:
        queues = watched_queues(self.clients, self.api)
        return [each for queue in queues for each in diagnosis.of_queue(queue.name, queue.depth())]

    def workers(self) -> Sequence[Diagnosis]:
        return [diagnosis.of_workers(kind, *operate_workers(self.stack, kind).status()) for kind in WorkerKind]

    def concurrency(self) -> Sequence[Diagnosis]:
        found, _ = operate_workers(self.stack, WorkerKind.REVIEW).status()
        return [diagnosis.of_concurrency(*self.inspection.concurrency(), found.concurrency or 0)]

    def releases(self) -> Sequence[Diagnosis]:
        return [diagnosis.of_releases(self.inspection.releases())]

    def control(self) -> Sequence[Diagnosis]:
        name, now = self.reviewer["CONTROL_TABLE"], SystemClock().now()
        state = self.inspection.table(name)
        unsent = DynamoAuditOutbox(self.clients["dynamodb"], name).unsent(now=now, limit=100)
        return [
            diagnosis.of_table(state.status, has_recovery=state.has_recovery, has_expiry=state.has_expiry),
            diagnosis.of_reconciler(DynamoJobs(self.clients["dynamodb"], name).due(_JOB), now=now),
            diagnosis.of_outbox(min((entry.at for entry in unsent), default=None), now=now),
        ]

    def mail(self) -> Sequence[Diagnosis]:
        sender = self.inspection.variables("reconciler").get("NOTICE_SENDER")
        return [diagnosis.of_mail(sender, *self.inspection.mail(sender))] if sender else []

    def bucket(self) -> Sequence[Diagnosis]:
        self.inspection.bucket(self.reviewer["OBJECTS_BUCKET"])
        return [diagnosis.green("bucket", self.reviewer["OBJECTS_BUCKET"])]

    def alarms(self) -> Sequence[Diagnosis]:
        told, page = self.inspection.notifications(), self.inspection.page_of_an_alarm()
        found = [diagnosis.of_notifications(*told)] if told is not None else []
        return [*found, *([diagnosis.of_runbooks(page)] if page is not None else [])]

    def prices(self) -> Sequence[Diagnosis]:
        return [] if self._spec == "mock" else [diagnosis.of_prices(self.reviewer.get("MODEL_PRICES") or None)]

    def model(self) -> Sequence[Diagnosis]:
        if self._spec == "mock":
            return [
                diagnosis.yellow(
                    "model", "mock: what its agents find is invented", "make deploy STAGE=… with Model set"
                )
            ]
        arn, endpoint = self.reviewer["MODEL_SECRET_ARN"], self.reviewer.get("BEDROCK_ENDPOINT_URL") or None
        key = self.keys.read(arn, "api_key")["api_key"] if needs_key(self._spec) else None
        answer = try_model(self._spec, api_key=key, bedrock_endpoint_url=endpoint)
        return [diagnosis.green("model", f"{answer.model} answers")]

    def database(self) -> Sequence[Diagnosis]:
        # A paused database wakes up within a minute, of which the function waits for 40 s.
        client = session().client("lambda", config=CONFIG.merge(_PATIENT))
        status = LambdaMaintenance(client, f"{self.stack}-maintenance")({"action": "status", "parameters": {}})
        tables = [
            TableHealth(name=table["name"], live_rows=table["live_rows"], dead_rows=table["dead_rows"])
            for table in status["tables"]
        ]
        return [
            diagnosis.of_database(
                tables, transaction_age=status["transaction_age"], default_rows=status["default_rows"]
            )
        ]
