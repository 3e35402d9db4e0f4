"""A stack's reviews and the reconciler's jobs, in an operator's hands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from codereview.adapters.aws.dead_letters import SqsDeadLetters
from codereview.adapters.aws.inspection import Inspection
from codereview.adapters.aws.objects import S3Objects
from codereview.adapters.aws.queues import SqsReviewQueue
from codereview.adapters.aws.secrets import Secrets
from codereview.adapters.dynamodb.control.live_reviews import DynamoLiveReviews
from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.adapters.github.client import GitHubClient
from codereview.adapters.github.deliveries import GitHubDeliveries
from codereview.adapters.github.installations import GitHubInstallations
from codereview.adapters.system import SystemClock
from codereview.bootstrap.account import clients
from codereview.bootstrap.github import app_key, operators_client
from codereview.ports import Clock
from codereview.settings import ReconcilerSettings, reconciler_settings
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

_ALL = 1_000_000  # what is found by hand is stored nowhere, and need not be little

Job = Callable[[datetime], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A stack in the hands of whoever holds the credentials."""

    clock: Clock
    host: str  # of GitHub
    trace: TraceReview
    installations: GitHubInstallations
    jobs: Callable[[datetime, Tell, bool], Mapping[str, Job]]  # since when, whom to tell, whether to rehearse


def reach_stack(stack: str) -> Operator:
    """Reach a stack: its functions say where everything is. Raises a CodeReviewError if they cannot be asked."""
    opened, clock = clients("dynamodb", "lambda", "s3", "secretsmanager", "sqs"), SystemClock()
    inspection = Inspection(opened, stack)
    settings, reviewer = reconciler_settings(inspection.variables("reconciler")), inspection.variables("reviewer")
    dynamodb, table = opened["dynamodb"], settings.control_table
    objects, agenda = S3Objects(opened["s3"], reviewer["OBJECTS_BUCKET"]), DynamoAgenda(dynamodb, table)
    key = app_key(Secrets(opened["secretsmanager"]), settings.github_secret_arn)
    github = operators_client(key, api_url=settings.github_api_url)
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
        jobs=_Jobs(settings=settings, sqs=opened["sqs"], agenda=agenda, github=github),
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
        redeliver = RedeliverFailed(clock=clock, jobs=jobs, log=log, most=_ALL)

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
