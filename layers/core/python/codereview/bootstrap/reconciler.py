"""The reconciler function."""

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from codereview.adapters.aws.audit_queue import SqsAuditQueue
from codereview.adapters.aws.dead_letters import SqsDeadLetters
from codereview.adapters.aws.mail import SesMail
from codereview.adapters.aws.queues import SqsRecordQueue, SqsReviewQueue
from codereview.adapters.aws.secrets import Secrets
from codereview.adapters.dynamodb.control.buckets import DynamoBuckets
from codereview.adapters.dynamodb.control.contacts import DynamoContacts, DynamoMailLog
from codereview.adapters.dynamodb.control.ledger import DynamoBudgetLedger
from codereview.adapters.dynamodb.control.notices import DynamoNotices
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.jobs import DynamoJobs
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.adapters.dynamodb.sweeps import DynamoSweeps
from codereview.adapters.dynamodb.waiting import DynamoWaiting
from codereview.adapters.github.app import GitHubApp
from codereview.adapters.github.deliveries import GitHubDeliveries
from codereview.adapters.github.open_heads import GitHubOpenHeads
from codereview.adapters.system import RandomIds, SystemClock
from codereview.bootstrap.environment import VARIABLES
from codereview.bootstrap.github import github_app
from codereview.bootstrap.logger import logger_of
from codereview.bootstrap.sdk import sdk_config
from codereview.bootstrap.tenancy import renew_tenant
from codereview.domain.turns import RELEASES_FOR_EACH_REVIEWER
from codereview.entrypoints.reconciler import NamedJob, ReconcilerApp
from codereview.settings import ReconcilerSettings, reconciler_settings
from codereview.use_cases.control.change_settings import ChangeNotices
from codereview.use_cases.control.pace_github import PaceWrites
from codereview.use_cases.end_review import EndReview
from codereview.use_cases.reconcile.announce import AnnounceTrouble
from codereview.use_cases.reconcile.end_poison import EndPoison
from codereview.use_cases.reconcile.forget_contacts import ForgetContacts
from codereview.use_cases.reconcile.mail_notices import MailNotices
from codereview.use_cases.reconcile.redeliver import RedeliverFailed
from codereview.use_cases.reconcile.release_due import ReleaseDue
from codereview.use_cases.reconcile.renew_tenants import RenewTenants
from codereview.use_cases.reconcile.revive import ReviveDeadLetters
from codereview.use_cases.reconcile.sweep_heads import SweepHeads
from codereview.use_cases.send_outbox import SendOutbox

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sqs import SQSClient

_MOST_RESERVATIONS = 100  # settled by one run of the reconciler; what is left over is due a minute later


@functools.cache
def reconciler() -> ReconcilerApp:
    """Build the function."""
    settings = reconciler_settings(VARIABLES)
    clock, session = SystemClock(), boto3.Session()
    dynamodb = session.client("dynamodb", config=sdk_config())
    secrets = Secrets(session.client("secretsmanager", config=sdk_config()))
    secret = secrets.read(settings.github_secret_arn, "app_id", "private_key")
    pace = PaceWrites(clock=clock, buckets=DynamoBuckets(dynamodb, settings.control_table))
    jobs = _Jobs(
        settings=settings,
        clock=clock,
        session=session,
        dynamodb=dynamodb,
        sqs=session.client("sqs", config=sdk_config()),
        github=github_app(settings, secret, pace=pace),
    )
    return ReconcilerApp(clock=clock, jobs=jobs.in_order(), logger=logger_of(settings.log))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Jobs:
    """Builds each job on what all work with."""

    settings: ReconcilerSettings
    clock: SystemClock
    session: boto3.Session
    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    github: GitHubApp

    def in_order(self) -> tuple[NamedJob, ...]:
        """Name all jobs, in the order in which a run has their turns."""
        release, redeliver, outbox, sweep = self._release(), self._redeliver(), self._outbox(), self._sweep()
        reviews, records, announce = self._review_dead_letters(), self._record_dead_letters(), self._announce()
        tenants, contacts = self._tenants(), self._contacts()
        ledger = DynamoBudgetLedger(self.dynamodb, self._table)
        return (
            NamedJob(name="Release", run=lambda deadline: release(deadline=deadline)),
            NamedJob(name="ReviewDeadLetters", run=lambda _: reviews()),
            NamedJob(name="RecordDeadLetters", run=lambda _: records()),
            NamedJob(name="Deliveries", run=lambda deadline: redeliver(deadline=deadline)),
            NamedJob(name="Outbox", run=lambda deadline: outbox(deadline=deadline)),
            NamedJob(name="Reservations", run=lambda _: ledger.expire(now=self.clock.now(), limit=_MOST_RESERVATIONS)),
            NamedJob(name="Notices", run=lambda _: announce()),
            *self._mail(),
            NamedJob(name="Tenants", run=lambda deadline: tenants(deadline=deadline)),
            NamedJob(name="Contacts", run=lambda _: contacts()),
            NamedJob(name="Sweep", run=lambda deadline: sweep(deadline=deadline)),  # last: it uses up the time
        )

    @property
    def _table(self) -> str:
        return self.settings.control_table

    @property
    def _jobs(self) -> DynamoJobs:
        return DynamoJobs(self.dynamodb, self._table)

    @property
    def _tenant_table(self) -> DynamoTenants:
        return DynamoTenants(self.dynamodb, self._table)

    @property
    def _store(self) -> DynamoReviews:
        return DynamoReviews(self.dynamodb, self._table)

    @property
    def _queue(self) -> SqsReviewQueue:
        return SqsReviewQueue(self.sqs, self.settings.review_queue_url)

    def _release(self) -> ReleaseDue:
        return ReleaseDue(
            clock=self.clock,
            agenda=DynamoAgenda(self.dynamodb, self._table),
            queue=self._queue,
            most_of_a_tenant=self.settings.reviewers * RELEASES_FOR_EACH_REVIEWER,
        )

    def _review_dead_letters(self) -> ReviveDeadLetters:
        record_queue = SqsRecordQueue(self.sqs, self.settings.record_queue_url)
        poison = EndPoison(
            clock=self.clock,
            ids=RandomIds(),
            github=self.github,
            store=self._store,
            end=EndReview(clock=self.clock, store=self._store, record_queue=record_queue, publish=None),
        )
        return ReviveDeadLetters(
            clock=self.clock,
            jobs=self._jobs,
            queue=SqsDeadLetters(self.sqs, self.settings.review_dead_letters_url, name="reviews"),
            end=lambda letter, moved_at: poison(letter, moved_at=moved_at),
        )

    def _record_dead_letters(self) -> ReviveDeadLetters:
        queue = SqsDeadLetters(self.sqs, self.settings.record_dead_letters_url, name="records")
        return ReviveDeadLetters(clock=self.clock, jobs=self._jobs, queue=queue)

    def _redeliver(self) -> RedeliverFailed:
        return RedeliverFailed(clock=self.clock, jobs=self._jobs, log=GitHubDeliveries(self.github.client))

    def _outbox(self) -> SendOutbox:
        return SendOutbox(
            clock=self.clock,
            outbox=DynamoAuditOutbox(self.dynamodb, self._table),
            queue=SqsAuditQueue(self.sqs, self.settings.record_queue_url),
        )

    def _announce(self) -> AnnounceTrouble:
        notices = DynamoNotices(self.dynamodb, self._table)
        return AnnounceTrouble(
            clock=self.clock,
            ids=RandomIds(),
            jobs=self._jobs,
            waiting=DynamoWaiting(self.dynamodb, self._table, self.clock),
            notices=notices,
            change_notices=ChangeNotices(notices=notices),
        )

    def _mail(self) -> tuple[NamedJob, ...]:
        """Mail notices where there is somebody to send them."""
        sender = self.settings.notice_sender
        if not sender:
            return ()
        ses: Any = self.session.client("sesv2", config=sdk_config())
        mail = MailNotices(
            clock=self.clock,
            jobs=self._jobs,
            tenants=self._tenant_table,
            notices=DynamoNotices(self.dynamodb, self._table),
            contacts=DynamoContacts(self.dynamodb, self._table),
            log=DynamoMailLog(self.dynamodb, self._table),
            post=SesMail(ses, sender),
        )
        return (NamedJob(name="Mail", run=lambda deadline: mail(deadline=deadline)),)

    def _tenants(self) -> RenewTenants:
        host = self.settings.github_host
        return RenewTenants(
            clock=self.clock,
            ids=RandomIds(),
            jobs=self._jobs,
            github=GitHubOpenHeads(self.github),
            tenants=self._tenant_table,
            renew=renew_tenant(self.dynamodb, self._table, self.clock, github=self.github, host=host),
            host=host,
        )

    def _contacts(self) -> ForgetContacts:
        return ForgetContacts(
            clock=self.clock,
            ids=RandomIds(),
            jobs=self._jobs,
            tenants=self._tenant_table,
            contacts=DynamoContacts(self.dynamodb, self._table),
        )

    def _sweep(self) -> SweepHeads:
        return SweepHeads(
            clock=self.clock,
            ids=RandomIds(),
            jobs=self._jobs,
            github=GitHubOpenHeads(self.github),
            memory=DynamoSweeps(self.dynamodb, self._table, self.clock),
            tenants=self._tenant_table,
            store=self._store,
            agenda=DynamoAgenda(self.dynamodb, self._table),
            queue=self._queue,
            host=self.settings.github_host,
        )
