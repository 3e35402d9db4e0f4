"""The review queue's messages as calls of the review use case."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.domain.envelope import Envelope
from codereview.domain.envelope_codec import NewerVersionError, decode
from codereview.domain.metrics import Metric, embedded
from codereview.domain.review import Failed, Outcome, Parked, Posted, Skipped, Superseded
from codereview.entrypoints.sqs import Postponement, process_batch
from codereview.errors import PermanentError, RetryableError
from codereview.ports import Clock
from codereview.use_cases.take_turns import Review


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerApp:
    """Everything that the reviewer function holds between two calls."""

    clock: Clock
    review: Review
    postponement: Postponement
    logger: Logger

    def process(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Handle one event of the review queue's mapping."""
        deadline = self.clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis())
        taken = list[Envelope]()

        def handle(body: str) -> Outcome:
            try:
                envelope = decode(body)
            except NewerVersionError as error:  # during a deployment; the code that can read it is on its way
                raise RetryableError(str(error)) from error
            taken.append(envelope)
            self.logger.append_keys(delivery=envelope.delivery, correlation_id=envelope.delivery)
            return self.review.handle(envelope, deadline=deadline)

        def measure(ended: object) -> Mapping[str, Any]:
            return embedded(measured(ended, taken.pop() if taken else None, at=self.clock.now()), at=self.clock.now())

        return process_batch(
            event, context, handle=handle, logger=self.logger, postponement=self.postponement, measure=measure
        )


_COUNTED: Mapping[type, Metric] = {
    Posted: Metric.REVIEWS_POSTED,
    Skipped: Metric.REVIEWS_SKIPPED,
    Superseded: Metric.REVIEWS_SUPERSEDED,
    Failed: Metric.REVIEWS_FAILED,
    Parked: Metric.REVIEWS_PARKED,
    RetryableError: Metric.REVIEWS_POSTPONED,
    PermanentError: Metric.REVIEWS_REFUSED,
}


def measured(ended: object, envelope: Envelope | None, *, at: datetime) -> Mapping[Metric, float]:
    """Count how a message ended; of a posted review also the time since its webhook, which is what its author felt."""
    found = [metric for kind, metric in _COUNTED.items() if isinstance(ended, kind)]
    values: dict[Metric, float] = {found[0] if found else Metric.REVIEWS_CRASHED: 1}
    if isinstance(ended, Posted) and envelope is not None and envelope.received_at:
        values[Metric.REVIEW_SECONDS] = (at - datetime.fromisoformat(envelope.received_at)).total_seconds()
    return values
