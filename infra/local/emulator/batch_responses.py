"""Gap: a malformed `batchItemFailures` counts as success, so its messages are deleted.

AWS treats it as a failure of the whole batch: an identifier that is empty, null, missing or not of this batch,
or an answer that is no such object.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
"""

import contextvars
from typing import Any

from ministack.services import lambda_svc  # type: ignore[import-not-found]

from local.emulator.batch_rules import is_well_formed

_message_ids: contextvars.ContextVar[frozenset[str] | None] = contextvars.ContextVar("message_ids", default=None)
"""The batch that runs in this context, if its mapping reports failures item by item."""


def install() -> None:
    """Check each batch's answer before the emulator reads it."""
    run_batch, execute = lambda_svc._run_sqs_batch, lambda_svc._execute_function

    def run_checked_batch(mapping: dict[str, Any], function: Any, event: Any, batch: Any, *queue: Any) -> None:
        reports = "ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or [])
        token = _message_ids.set(frozenset(message["id"] for message in batch) if reports else None)
        try:
            run_batch(mapping, function, event, batch, *queue)
        finally:
            _message_ids.reset(token)

    def execute_checked(function: Any, event: Any) -> Any:
        result = execute(function, event)
        ids = _message_ids.get()
        if ids is None or result.get("error") or is_well_formed(result.get("body"), ids):
            return result
        problem = {
            "errorType": "MalformedBatchResponse",
            "errorMessage": f"not a batch response: {result.get('body')!r}",
        }
        return {**result, "error": True, "body": problem}

    lambda_svc._run_sqs_batch = run_checked_batch
    lambda_svc._execute_function = execute_checked
