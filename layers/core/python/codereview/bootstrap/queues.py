"""A stack's queues, watched by an operator."""

from collections.abc import Mapping, Sequence
from typing import Any

from codereview.adapters.aws.watched_queue import SqsWatchedQueue
from codereview.adapters.system import SystemClock
from codereview.domain.workers import WorkerKind


def watched_queues(clients: Mapping[str, Any], api: Mapping[str, str]) -> Sequence[SqsWatchedQueue]:
    """Watch the queue of each kind of workers; `api` are the api function's variables, which know the addresses."""
    return [
        SqsWatchedQueue(
            clients["sqs"],
            clients["cloudwatch"],
            SystemClock(),
            name=kind.value,
            url=api[f"{kind.value.upper()}_QUEUE_URL"],
            dead_letters_url=api[f"{kind.value.upper()}_DEAD_LETTERS_URL"],
        )
        for kind in WorkerKind
    ]
