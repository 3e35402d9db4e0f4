"""The reviewer function."""

import functools
from typing import TYPE_CHECKING

import boto3

from codereview.adapters.aws.analyzer_function import LambdaAnalyzers
from codereview.adapters.aws.objects import S3Objects
from codereview.adapters.aws.queues import SqsPostponement, SqsRecordQueue
from codereview.adapters.aws.secrets import Secrets
from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.adapters.dynamodb.turns import DynamoTurns
from codereview.adapters.github.app import GitHubApp
from codereview.adapters.models.mock import MockModel
from codereview.adapters.system import RandomIds, SystemClock, peak_memory
from codereview.agents.registry import ANALYZER_AGENTS, MODEL_AGENTS
from codereview.bootstrap.environment import VARIABLES
from codereview.bootstrap.github import github_app
from codereview.bootstrap.jitter import jitter
from codereview.bootstrap.logger import logger_of
from codereview.bootstrap.models import deployed_model
from codereview.bootstrap.reviewer_control import reviewer_control
from codereview.bootstrap.sdk import sdk_config
from codereview.bootstrap.tenancy import renew_tenant
from codereview.domain.markers import kept_marker_key, marker_key
from codereview.domain.metrics import Tally
from codereview.domain.prices import TokenPrices
from codereview.entrypoints.reviewer import ReviewerApp
from codereview.settings import ReviewerSettings, reviewer_settings
from codereview.use_cases.drop_overtaken import DropOvertaken
from codereview.use_cases.end_review import EndReview
from codereview.use_cases.follow_installations import FollowInstallations
from codereview.use_cases.hold_busy import HoldBusy
from codereview.use_cases.make_result import MakeResult, Models, PricedModel
from codereview.use_cases.park_review import ParkReview
from codereview.use_cases.publish_review import PublishReview
from codereview.use_cases.review_change import MAX_FILES_READ, ReviewChange
from codereview.use_cases.review_pull_request import ReviewPullRequest
from codereview.use_cases.still_held import StillHeld
from codereview.use_cases.take_turns import TakeTurns

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@functools.cache
def reviewer() -> ReviewerApp:
    """Build the function."""
    settings = reviewer_settings(VARIABLES)
    clock, session, tally = SystemClock(), boto3.Session(), Tally()
    secrets = Secrets(session.client("secretsmanager", config=sdk_config()))
    secret = secrets.read(settings.github_secret_arn, "app_id", "private_key", optional=("marker_key",))
    sqs = session.client("sqs", config=sdk_config())
    dynamodb = session.client("dynamodb", config=sdk_config())
    store = DynamoReviews(dynamodb, settings.control_table)
    objects = S3Objects(session.client("s3", config=sdk_config()), settings.objects_bucket)
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
        marker_key=kept_marker_key(secret.get("marker_key")) or marker_key(secret["private_key"]),
        switches=control.switches,
    )
    record_queue = SqsRecordQueue(sqs, settings.record_queue_url)
    end = EndReview(clock=clock, store=store, record_queue=record_queue, publish=publish)
    github = github_app(settings, secret, pace=control.pace, tally=tally)
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
            models=_models(settings, secrets, tally),
            review_change=_review_change(settings, session),
            switches=control.switches,
            admission=control.admission,
            ledger=control.ledger,
        ),
        switches=control.switches,
        pace_reviews=control.pace_reviews,
        publish=publish,
        park=ParkReview(clock=clock, store=store, end=end, jitter=jitter),
        end=end,
        jitter=jitter,
    )
    return ReviewerApp(
        clock=clock,
        review=_steps_before(review, settings, dynamodb, github),
        postponement=SqsPostponement(sqs, settings.review_queue_url),
        logger=logger_of(settings.log),
        tally=tally,
        peak_memory=peak_memory,
    )


def _models(settings: ReviewerSettings, secrets: Secrets, tally: Tally) -> Models:
    def priced(spec: str, prices: TokenPrices | None) -> PricedModel:
        model = deployed_model(settings, spec, secrets, tally=tally, prices=prices)
        return PricedModel(model=model, prices=prices)

    cheaper = settings.cheaper_model
    return Models(
        usual=priced(settings.model, settings.prices),
        cheaper=priced(cheaper, settings.cheaper_prices) if cheaper else None,
        mock=MockModel(),
    )


def _review_change(settings: ReviewerSettings, session: boto3.Session) -> ReviewChange:
    # An analysis takes up to the analyzer function's own time-out, and is repeated by nobody but its adapter.
    client = session.client("lambda", config=sdk_config(read_timeout=70, total_max_attempts=1))
    return ReviewChange(
        clock=SystemClock(),
        analyzers=LambdaAnalyzers(client, settings.analyzer_function),
        model_agents=MODEL_AGENTS,
        analyzer_agents=ANALYZER_AGENTS,
        max_files_read=MAX_FILES_READ,
    )


def _steps_before(
    review: ReviewPullRequest, settings: ReviewerSettings, dynamodb: "DynamoDBClient", github: GitHubApp
) -> FollowInstallations:
    """Put in front of the review what a message goes through first; the last that is built here is its first step."""
    clock, ids, store, agenda, table = review.clock, review.ids, review.store, review.agenda, settings.control_table
    turns = TakeTurns(
        clock=clock,
        ids=ids,
        table=DynamoTurns(dynamodb, table),
        agenda=agenda,
        review=HoldBusy(clock=clock, agenda=agenda, review=review, jitter=jitter),
        reviewers=settings.reviewers,
        jitter=jitter,
    )
    held = StillHeld(
        clock=clock,
        ids=ids,
        store=store,
        switches=review.switches,
        admission=review.make_result.admission,
        review=turns,
    )
    return FollowInstallations(
        clock=clock,
        ids=ids,
        renew=renew_tenant(dynamodb, table, clock, github=github, host=settings.github_host),
        agenda=agenda,
        review=DropOvertaken(clock=clock, store=store, review=held),
        jitter=jitter,
    )
