"""A circuit breaker round the calls of one far side; its state lives as long as the process, and costs no call.

Each sandbox finds an outage out by itself: that takes five calls, and no store that could be out as well.
"""

from collections.abc import Callable

from codereview.domain.breaker import Breaker
from codereview.errors import PermanentError, RetryableError, ThrottledError
from codereview.ports import Clock


class Circuit:
    """Threads may share it: a count that is off by one opens it a call later."""

    def __init__(self, clock: Clock, *, name: str) -> None:
        """Start closed; `name` is said when it is open."""
        self._clock = clock
        self._name = name
        self._breaker = Breaker()

    def call[Answer](self, action: Callable[[], Answer]) -> Answer:
        """Do it, or raise ThrottledError at once while the circuit is open."""
        rest = self._breaker.rest(self._clock.now())
        if rest is not None:
            raise ThrottledError(f"{self._name} is left alone for a while", retry_after=rest)
        try:
            answer = action()
        except ThrottledError as error:
            if error.retry_after is not None:
                self._breaker = self._breaker.after_limit(self._clock.now(), error.retry_after)
            raise
        except RetryableError:
            self._breaker = self._breaker.after_failure(self._clock.now())
            raise
        except PermanentError:
            self._breaker = self._breaker.after_success()  # it answered
            raise
        self._breaker = self._breaker.after_success()
        return answer
