"""How much more work more input makes, in CPU time, so that other programs on the machine do not matter."""

import time
from collections.abc import Callable

_TIMES = 8
# Quadratic work is 64 times as much for eight times the input. Half of that is far from linear, too.
_MOST = 32
# Below this the clock and the interpreter decide, not the input.
_LEAST_SECONDS = 0.005


def assert_no_worse_than_linear(work: Callable[[str], object], text: str) -> None:
    """Hold that the whole text takes not much more than eight times what its first eighth takes."""
    small = min(_cpu_seconds(work, text[: len(text) // _TIMES]) for _ in range(2))
    assert _cpu_seconds(work, text) < _MOST * max(small, _LEAST_SECONDS)


def _cpu_seconds(work: Callable[[str], object], text: str) -> float:
    begin = time.thread_time()
    work(text)
    return time.thread_time() - begin
