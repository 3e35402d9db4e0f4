"""The record queue's messages as calls of the recording use cases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.domain.audit import is_audit_message
from codereview.domain.metrics import Metric, embedded
from codereview.domain.record import ReviewRecorded
from codereview.entrypoints.sqs import process_batch
from codereview.ports import Clock
from codereview.use_cases.record_audit import RecordAudit
from codereview.use_cases.record_reviews import RecordReviews


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderApp:
    """Everything that the recorder function holds between two calls."""

    clock: Clock
    reviews: RecordReviews
    audit: RecordAudit
    logger: Logger
    close: Callable[[], None]  # the connection that a batch shares: the next batch may be hours away

    def process(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Handle one event of the record queue's mapping."""
        try:
            return process_batch(event, context, handle=self._handle, logger=self.logger, measure=self._measure)
        finally:
            self.close()

    def _measure(self, ended: object) -> Mapping[str, Any]:
        """Tell how long after its end a review came into the record."""
        if not isinstance(ended, ReviewRecorded):
            return {}
        now = self.clock.now()
        lag = (now - datetime.fromisoformat(ended.finished_at)).total_seconds()
        return embedded({Metric.RECORD_LAG_SECONDS: lag}, at=now)

    def _handle(self, body: str) -> ReviewRecorded | UUID:
        """Write one message; returns what the log may say of it, which for an audit entry is its id alone."""
        if is_audit_message(body):
            return self.audit.handle(body).id
        return self.reviews.handle(body)
