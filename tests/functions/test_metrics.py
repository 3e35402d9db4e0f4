"""What the functions count in their log lines, and that nothing is counted that has no name in the enum."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from codereview.domain.metrics import Metric, embedded
from codereview.domain.review import Failed, Parked, Posted, Skipped, SkipReason, Superseded
from codereview.entrypoints.reviewer import measured
from codereview.errors import NotFoundError, RetryableError
from local.checkout import ROOT
from tests.functions.test_reviewer_queue import GOOD, Function, record
from tests.functions.webhook_world import World, delivery, pull_request

_PACKAGE = ROOT / "layers/core/python/codereview"
_NOW = datetime(2026, 3, 15, 12, 1, tzinfo=UTC)


def counts(line: dict[str, Any]) -> dict[str, float]:
    """Read a line as CloudWatch does."""
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "CodeReview"
    assert directive["Dimensions"] == [["service"]]
    assert isinstance(line["service"], str)
    return {declared["Name"]: line[declared["Name"]] for declared in directive["Metrics"]}


def test_the_webhook_counts_each_delivery_once_by_its_end() -> None:
    world = World()
    world.deliver(pull_request("opened"))
    world.deliver(pull_request("labeled"))
    world.receive(delivery(pull_request("opened")) | {"body": "{}"})
    assert [counts(line) for line in world.measured_log()] == [
        {"WebhooksAccepted": 1},
        {"WebhooksIgnored": 1},
        {"WebhooksMalformed": 1},
    ]


def test_the_reviewer_counts_a_posted_review_in_the_line_that_tells_of_it() -> None:
    function = Function()
    function.kept(record(GOOD))
    [line] = [line for line in function.lines if line["message"] == "Done"]
    assert counts(line)["ReviewsPosted"] == 1


@pytest.mark.parametrize(
    ("ended", "metric"),
    [
        (Posted(github_review_id=1), Metric.REVIEWS_POSTED),
        (Skipped(reason=SkipReason.DRAFT), Metric.REVIEWS_SKIPPED),
        (Superseded(newer_head_sha="a" * 40), Metric.REVIEWS_SUPERSEDED),
        (Failed(reason="x"), Metric.REVIEWS_FAILED),
        (Parked(reason="x", until=_NOW), Metric.REVIEWS_PARKED),
        (RetryableError("x"), Metric.REVIEWS_POSTPONED),
        (NotFoundError("x"), Metric.REVIEWS_REFUSED),
        (ZeroDivisionError(), Metric.REVIEWS_CRASHED),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, Metric) else value.value,
)
def test_every_end_of_a_review_has_a_count(ended: object, metric: Metric) -> None:
    assert measured(ended, None, at=_NOW) == {metric: 1}


def test_a_metrics_time_is_in_milliseconds() -> None:
    assert embedded({Metric.REVIEWS_POSTED: 1}, at=_NOW)["_aws"]["Timestamp"] == 1_773_576_060_000


def test_scheduled_jobs_count_only_what_the_enum_names() -> None:
    reconciler = re.findall(r'NamedJob\(name="(\w+)"', (_PACKAGE / "bootstrap.py").read_text())
    upkeep = (_PACKAGE / "entrypoints/maintenance_commands.py").read_text()
    steps = re.findall(r'^            "([A-Z]\w+)": ', upkeep, re.MULTILINE)
    named = {f"{name}JobDone" for name in [*reconciler, *steps]}
    named |= set(re.findall(r'(?:_count\(|add_metric\(name=)"(\w+)"', upkeep))
    assert len(named) > 20
    assert named <= set(Metric)
