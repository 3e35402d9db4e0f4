"""The record queue's messages as calls of the recording use case."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.entrypoints.sqs import process_batch
from codereview.use_cases.record_reviews import RecordReviews


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderApp:
    """Everything that the recorder function holds between two calls."""

    record: RecordReviews
    logger: Logger

    def process(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Handle one event of the record queue's mapping."""
        return process_batch(event, context, handle=self.record.handle, logger=self.logger)
