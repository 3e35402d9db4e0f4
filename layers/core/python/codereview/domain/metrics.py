"""Every metric that the code emits, and the form in which CloudWatch takes metrics out of log lines.

One dimension, the function's service, since each further value of a dimension is a metric to pay for; whose review it
was stands beside the numbers in the same line, where Logs Insights finds it.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

NAMESPACE = "CodeReview"


class Metric(StrEnum):
    """What is counted, or measured where the name ends in a unit."""

    WEBHOOKS_ACCEPTED = "WebhooksAccepted"
    WEBHOOKS_IGNORED = "WebhooksIgnored"
    WEBHOOKS_UNSIGNED = "WebhooksUnsigned"
    WEBHOOKS_MALFORMED = "WebhooksMalformed"
    WEBHOOKS_FAILED = "WebhooksFailed"
    REVIEWS_POSTED = "ReviewsPosted"
    REVIEWS_SKIPPED = "ReviewsSkipped"
    REVIEWS_SUPERSEDED = "ReviewsSuperseded"
    REVIEWS_FAILED = "ReviewsFailed"
    REVIEWS_PARKED = "ReviewsParked"
    REVIEWS_POSTPONED = "ReviewsPostponed"
    REVIEWS_REFUSED = "ReviewsRefused"
    REVIEWS_CRASHED = "ReviewsCrashed"
    REVIEW_SECONDS = "ReviewSeconds"
    RELEASE_JOB_DONE = "ReleaseJobDone"
    REVIEW_DEAD_LETTERS_JOB_DONE = "ReviewDeadLettersJobDone"
    RECORD_DEAD_LETTERS_JOB_DONE = "RecordDeadLettersJobDone"
    DELIVERIES_JOB_DONE = "DeliveriesJobDone"
    OUTBOX_JOB_DONE = "OutboxJobDone"
    RESERVATIONS_JOB_DONE = "ReservationsJobDone"
    SWEEP_JOB_DONE = "SweepJobDone"
    PARTITIONS_JOB_DONE = "PartitionsJobDone"
    DELETIONS_JOB_DONE = "DeletionsJobDone"
    RETENTION_JOB_DONE = "RetentionJobDone"
    ARCHIVE_JOB_DONE = "ArchiveJobDone"
    COMPARE_JOB_DONE = "CompareJobDone"
    PRECISION_JOB_DONE = "PrecisionJobDone"
    TABLES_JOB_DONE = "TablesJobDone"
    MEASURE_JOB_DONE = "MeasureJobDone"
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
        return "Seconds" if self is Metric.REVIEW_SECONDS else "Count"


def embedded(values: Mapping[Metric, float], *, at: datetime) -> dict[str, Any]:
    """Return what makes a JSON log line carry `values`; the line's own `service` is their dimension."""
    declared = [{"Name": metric.value, "Unit": metric.unit} for metric in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["service"]], "Metrics": declared}
    numbers = {metric.value: value for metric, value in values.items()}
    return {"_aws": {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [directive]}, **numbers}
