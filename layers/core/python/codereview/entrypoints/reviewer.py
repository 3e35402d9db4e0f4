"""The review queue's messages as calls of the review use case."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.domain.envelope_codec import NewerVersionError, decode
from codereview.domain.review import Outcome
from codereview.entrypoints.sqs import Postponement, process_batch
from codereview.errors import RetryableError
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

        def handle(body: str) -> Outcome:
            try:
                envelope = decode(body)
            except NewerVersionError as error:  # during a deployment; the code that can read it is on its way
                raise RetryableError(str(error)) from error
            self.logger.append_keys(delivery=envelope.delivery, correlation_id=envelope.delivery)
            return self.review.handle(envelope, deadline=deadline)

        return process_batch(event, context, handle=handle, logger=self.logger, postponement=self.postponement)
