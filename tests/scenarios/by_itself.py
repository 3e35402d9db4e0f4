"""What the deployed system does by itself, kept away while a test looks at what it left for the reconciler."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from local.stack import STACK_NAME, LocalStack

_SECONDS = 60


@contextmanager
def without_reconciler(stack: LocalStack) -> Iterator[None]:
    """Stop the schedule of every minute, and wait for a run that has begun."""
    events = stack.aws.client("events")
    (rule,) = events.list_rules(NamePrefix=f"{STACK_NAME}-ReconcilerFunction")["Rules"]
    events.disable_rule(Name=rule["Name"])
    try:
        ends_at = time.monotonic() + _SECONDS
        while _is_running(stack):
            assert time.monotonic() < ends_at, stack.logs("reconciler")[-5:]
            time.sleep(0.2)
        yield
    finally:
        events.enable_rule(Name=rule["Name"])


def _is_running(stack: LocalStack) -> bool:
    lines = stack.logs("reconciler")
    begun, ended = (sum(line.startswith(f"{word} RequestId") for line in lines) for word in ("START", "REPORT"))
    return begun > ended
