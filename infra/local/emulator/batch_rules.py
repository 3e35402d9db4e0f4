"""When AWS reads the answer of a function to a batch as one, and when as a failure of the whole batch."""

from typing import Any


def is_well_formed(body: Any, message_ids: frozenset[str]) -> bool:
    """Tell whether AWS would read this answer; nothing, an empty object and a null list mean success."""
    if body is None or body in ("", b""):
        return True
    if not isinstance(body, dict):
        return False
    failures = body.get("batchItemFailures")
    if failures is None:
        return True
    return isinstance(failures, list) and all(
        isinstance(failure, dict) and failure.get("itemIdentifier") in message_ids for failure in failures
    )
