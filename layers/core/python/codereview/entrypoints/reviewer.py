"""The review queue's messages as calls of the review use case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.domain.envelope import Envelope
from codereview.domain.envelope_codec import NewerVersionError, decode
from codereview.domain.metrics import Metric, Tally, embedded
from codereview.domain.parking import WaitReason
from codereview.domain.review import Failed, Outcome, Overtaken, Parked, Posted, Skipped, Superseded, tenant_of
from codereview.entrypoints.sqs import Postponement, process_batch
from codereview.errors import PermanentError, RetryableError
from codereview.ports import Clock
from codereview.use_cases.control.admit_review import AdmissionReason
from codereview.use_cases.hold_busy import PULL_REQUEST_IS_TAKEN
from codereview.use_cases.take_turns import SHARE_IS_TAKEN, Review


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerApp:
    """Everything that the reviewer function holds between two calls.

    `tally` is what its adapters observe, `peak_memory` tells the most bytes that the process has held.
    """

    clock: Clock
    review: Review
    postponement: Postponement
    logger: Logger
    tally: Tally
    peak_memory: Callable[[], int]

    def process(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Handle one event of the review queue's mapping."""
        deadline = self.clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis())
        memory = int(context.memory_limit_in_mb) * 1_048_576
        taken = list[Envelope]()

        def handle(body: str) -> Outcome:
            self.logger.remove_keys(_CORRELATED)  # those of the message before, should this one not be readable
            try:
                envelope = decode(body)
            except NewerVersionError as error:  # during a deployment; the code that can read it is on its way
                raise RetryableError(str(error)) from error
            taken.append(envelope)
            self.logger.append_keys(**correlated(envelope))
            return self.review.handle(envelope, deadline=deadline)

        def measure(ended: object) -> Mapping[str, Any]:
            now = self.clock.now()
            values = measured(ended, taken.pop() if taken else None, at=now)
            used = {Metric.MEMORY_USED: round(100 * self.peak_memory() / memory, 1)}
            return told(ended) | embedded({**values, **self.tally.take(), **used}, at=now)

        return process_batch(
            event, context, handle=handle, logger=self.logger, postponement=self.postponement, measure=measure
        )


_CORRELATED = ("delivery", "correlation_id", "tenant", "repository_id", "number", "trigger")


def correlated(envelope: Envelope) -> dict[str, Any]:
    """Name what every line about a message carries: its delivery, and whose it is by ids alone."""
    tenant = str(tenant_of(envelope.host, envelope.owner_id))
    values = (envelope.delivery, envelope.delivery, tenant, envelope.repository_id, envelope.number, envelope.trigger)
    return dict(zip(_CORRELATED, values, strict=True))


def told(ended: object) -> dict[str, Any]:
    """Say in two words that a query can filter by how a message ended; a failure has its own `reason` in the line."""
    reason = getattr(ended, "reason", None)
    return {"ended": type(ended).__name__, **({"because": str(reason)} if reason is not None else {})}


_COUNTED: Mapping[type, Metric] = {
    Posted: Metric.REVIEWS_POSTED,
    Skipped: Metric.REVIEWS_SKIPPED,
    Superseded: Metric.REVIEWS_SUPERSEDED,
    Overtaken: Metric.REVIEWS_SUPERSEDED,
    Failed: Metric.REVIEWS_FAILED,
    Parked: Metric.REVIEWS_PARKED,
    RetryableError: Metric.REVIEWS_POSTPONED,
    PermanentError: Metric.REVIEWS_REFUSED,
}
# A pause's reason is somebody's own words, and anything that is none of these was switched by somebody.
_PARKED_FOR: Mapping[str, Metric] = {
    **dict.fromkeys((*AdmissionReason, SHARE_IS_TAKEN), Metric.REVIEWS_PARKED_FOR_LIMIT),
    WaitReason.RATE_LIMIT: Metric.REVIEWS_PARKED_FOR_THROTTLE,
    WaitReason.OUTAGE: Metric.REVIEWS_PARKED_FOR_OUTAGE,
    WaitReason.SETTLING: Metric.REVIEWS_PARKED_FOR_OUTAGE,
}


def measured(ended: object, envelope: Envelope | None, *, at: datetime) -> Mapping[Metric, float]:
    """Count how a message ended; of a posted review also the time since its webhook, which is what its author felt.

    A review that goes on waiting is counted by what parked it, and by no look at it since.
    """
    if isinstance(ended, Parked) and ended.is_renewed:
        return {}
    if isinstance(ended, Parked) and ended.reason == PULL_REQUEST_IS_TAKEN:
        return {Metric.REVIEWS_POSTPONED: 1}  # nothing holds the review up but another worker on it
    found = [metric for kind, metric in _COUNTED.items() if isinstance(ended, kind)]
    values: dict[Metric, float] = {found[0] if found else Metric.REVIEWS_CRASHED: 1}
    if isinstance(ended, Posted) and envelope is not None and envelope.received_at:
        values[Metric.REVIEW_SECONDS] = (at - datetime.fromisoformat(envelope.received_at)).total_seconds()
    if isinstance(ended, Parked):
        values[_PARKED_FOR.get(ended.cause or ended.reason, Metric.REVIEWS_PARKED_FOR_SWITCH)] = 1
    return values
