"""Every metric that the code emits, and the form in which CloudWatch takes metrics out of log lines.

One namespace for each stack, so that two in one account never count for each other. One dimension at most, nearly
always the function's service, since each further value of a dimension is a metric to pay for; whose review it was
stands beside the numbers in the same line, where Logs Insights finds it. A metric is paid for by the hour in which it
is written, so what counts events is written only when there are any; what alarms by its absence is the exception.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import Lock
from typing import Any

NAMESPACE = "CodeReview"  # with the stack's name behind it; by itself only where no stack is known


def namespace_of(stack: str) -> str:
    """Name where a stack's metrics are."""
    return f"{NAMESPACE}/{stack}"


class Metric(StrEnum):
    """What is counted, or measured where `unit` says so."""

    # webhook
    WEBHOOKS_ACCEPTED = "WebhooksAccepted"
    WEBHOOKS_IGNORED = "WebhooksIgnored"
    WEBHOOKS_UNSIGNED = "WebhooksUnsigned"
    WEBHOOKS_MALFORMED = "WebhooksMalformed"
    WEBHOOKS_FAILED = "WebhooksFailed"
    # reviewer: how each message ended
    REVIEWS_POSTED = "ReviewsPosted"
    REVIEWS_SKIPPED = "ReviewsSkipped"
    REVIEWS_SUPERSEDED = "ReviewsSuperseded"
    REVIEWS_FAILED = "ReviewsFailed"
    REVIEWS_PARKED = "ReviewsParked"
    REVIEWS_PARKED_FOR_LIMIT = "ReviewsParkedForLimit"  # the four are parts of ReviewsParked: one of ours,
    REVIEWS_PARKED_FOR_THROTTLE = "ReviewsParkedForThrottle"  # one of GitHub's or of the model's provider's,
    REVIEWS_PARKED_FOR_OUTAGE = "ReviewsParkedForOutage"  # theirs too,
    REVIEWS_PARKED_FOR_SWITCH = "ReviewsParkedForSwitch"  # a pause or a stop that somebody made
    REVIEWS_POSTPONED = "ReviewsPostponed"
    REVIEWS_REFUSED = "ReviewsRefused"
    REVIEWS_CRASHED = "ReviewsCrashed"
    REVIEW_SECONDS = "ReviewSeconds"
    # reviewer: what it took
    MEMORY_USED = "MemoryUsed"
    MODEL_ERRORS = "ModelErrors"
    MODEL_THROTTLES = "ModelThrottles"  # a part of ModelErrors
    MODEL_DOLLARS = "ModelDollars"
    GITHUB_QUOTA_LEFT = "GitHubQuotaLeft"
    # api and reports, in one: an alarm pays for each metric that it reads
    LIMIT_REFUSALS = "LimitRefusals"
    # webhook and api, by their code: a canary's failures are not those of the code before it
    ANSWERS_FAILED = "AnswersFailed"
    # recorder
    RECORD_LAG_SECONDS = "RecordLagSeconds"
    # reconciler and maintenance, by the clock
    JOBS_FAILED = "JobsFailed"
    # reconciler
    DELIVERIES_MISSED = "DeliveriesMissed"
    DEAD_LETTERS = "DeadLetters"
    HEADS_MISSED = "HeadsMissed"
    WAITING_LEFT = "WaitingLeft"
    # maintenance
    PARTITIONS_AHEAD = "PartitionsAhead"
    DEFAULT_PARTITION_ROWS = "DefaultPartitionRows"
    DELETED_ROWS = "DeletedRows"
    LEGAL_HOLDS = "LegalHolds"
    ARCHIVED_ROWS = "ArchivedRows"
    MONTHS_NOT_ARCHIVED = "MonthsNotArchived"
    RECORD_DIFFERENCES = "RecordDifferences"
    AGENTS_IN_SHADOW = "AgentsInShadow"
    DATABASE_BYTES = "DatabaseBytes"
    DEAD_ROWS = "DeadRows"
    TRANSACTION_AGE = "TransactionAge"
    OPEN_TRANSACTION_SPAN = "OpenTransactionSpan"

    @property
    def unit(self) -> str:
        """Return CloudWatch's name of the unit."""
        return _UNITS.get(self, "Count")

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return what tells its values apart."""
        return _DIMENSIONS.get(self, ("service",))


_UNITS: Mapping[Metric, str] = {
    Metric.REVIEW_SECONDS: "Seconds",
    Metric.RECORD_LAG_SECONDS: "Seconds",
    Metric.MEMORY_USED: "Percent",
    Metric.MODEL_DOLLARS: "None",
    Metric.DATABASE_BYTES: "Bytes",
    Metric.DEAD_ROWS: "Percent",
}
_CODE = ["code"]
_DIMENSIONS: Mapping[Metric, tuple[str, ...]] = {Metric.LIMIT_REFUSALS: (), Metric.ANSWERS_FAILED: ("code",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whose metrics a log carries, beside its `service`; `code` where one of its metrics is told apart by it."""

    namespace: str
    code: str | None = None


NOWHERE = Origin(namespace=NAMESPACE)  # on a developer's machine


def embedded(values: Mapping[Metric, float], *, at: datetime) -> dict[str, Any]:
    """Return what makes a JSON log line carry `values`, once its log has said by `addressed` whose they are.

    Nothing for no values: a line that declares no metrics is not one of CloudWatch's form.
    """
    if not values:
        return {}
    declared = dict[tuple[str, ...], list[dict[str, str]]]()
    for metric in values:
        declared.setdefault(metric.dimensions, []).append({"Name": metric.value, "Unit": metric.unit})
    directives = [{"Dimensions": [[*names]], "Metrics": metrics} for names, metrics in declared.items()]
    numbers = {metric.value: value for metric, value in values.items()}
    return {"_aws": {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": directives}, **numbers}


def addressed(line: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    """Return a log's line with the namespace for the metrics that it carries, and with the code where it counts.

    What is told apart by a code that nobody has named is not written: CloudWatch would refuse the whole line.
    """
    if "_aws" not in line:
        return dict(line)
    directives = [
        {"Namespace": origin.namespace, **each}
        for each in line["_aws"]["CloudWatchMetrics"]
        if origin.code is not None or _CODE not in each["Dimensions"]
    ]
    by_code = {"code": origin.code} if any(_CODE in each["Dimensions"] for each in directives) else {}
    return {**line, **by_code, "_aws": {**line["_aws"], "CloudWatchMetrics": directives}}


class Tally:
    """What adapters observe between two log lines; safe for threads, since the agents ask at the same time."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._values = dict[Metric, float]()
        self._lock = Lock()

    def count(self, metric: Metric, amount: float = 1) -> None:
        """Add to a sum."""
        with self._lock:
            self._values[metric] = self._values.get(metric, 0) + amount

    def least(self, metric: Metric, value: float) -> None:
        """Keep the smallest value."""
        with self._lock:
            self._values[metric] = min(self._values.get(metric, value), value)

    def take(self) -> Mapping[Metric, float]:
        """Return what came together since the last time, and begin anew."""
        with self._lock:
            taken, self._values = self._values, {}
        return taken
