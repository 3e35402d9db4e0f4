"""The queue loop: one verdict a message, never one message's trouble for the others.

A message is acknowledged when its work is done or can never be done; it comes back at a chosen time when it may work
later; anything unforeseen leaves it to the queue, whose dead-letter queue ends the story after `maxReceiveCount`.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.domain.raising import raised_at
from codereview.errors import CodeReviewError, PermanentError, RetryableError

Handle = Callable[[str], Any]

# Names the metrics of what became of a message, its outcome or its error, as keys of a log line.
Measure = Callable[[object], Mapping[str, Any]]


def _unmeasured(_ended: object) -> Mapping[str, Any]:
    return {}


class Postponement(Protocol):
    """Makes a message come back at a chosen time."""

    def postpone(self, receipt_handle: str, delay: timedelta) -> None:
        """Hide the message for `delay` from now."""
        ...


def process_batch(
    event: dict[str, Any],
    context: LambdaContext,
    *,
    handle: Handle,
    logger: Logger,
    postponement: Postponement | None = None,
    measure: Measure = _unmeasured,
) -> dict[str, Any]:
    """Run `handle` with each message's body, and answer in SQS's partial-batch form."""

    def one(record: SQSRecord) -> None:
        with logger.append_context_keys(message_id=record.message_id, receive_count=_receive_count(record)):
            _handle_one(record, handle, logger, postponement, measure)

    # Without the flag a batch of failures becomes an exception, and the Errors metric no longer means a crash.
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event=event, record_handler=one, processor=processor, context=context)
    return dict(answer)


def _handle_one(
    record: SQSRecord, handle: Handle, logger: Logger, postponement: Postponement | None, measure: Measure
) -> None:
    try:
        outcome = handle(record.body)
    except RetryableError as error:
        logger.warning("Comes back later", reason=str(error), retry_after=str(error.retry_after), **measure(error))
        if error.retry_after is not None and postponement is not None:
            _postpone(record, error.retry_after, logger, postponement)
        raise
    except PermanentError as error:
        logger.warning("Given up", reason=str(error), error=type(error).__name__, **measure(error))
    except Exception as error:
        logger.exception("Unforeseen", raised_at=raised_at(error), **measure(error))
        raise
    else:
        logger.info("Done", outcome=outcome, **measure(outcome))


def _postpone(record: SQSRecord, delay: timedelta, logger: Logger, postponement: Postponement) -> None:
    """Ask for the message's return; where that fails, it returns after the visibility timeout."""
    try:
        postponement.postpone(record.receipt_handle, delay)
    except CodeReviewError as error:
        logger.warning("Could not postpone", reason=str(error))


def _receive_count(record: SQSRecord) -> int | None:
    """How often the message was received, if SQS says so."""
    count = (record.raw_event.get("attributes") or {}).get("ApproximateReceiveCount", "")
    return int(count) if count.isdigit() else None
