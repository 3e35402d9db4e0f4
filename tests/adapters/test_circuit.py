"""Circuit breakers: an outage and a limit are left alone, one trial call ends it, others are not concerned."""

from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.adapters.circuit import Circuit
from codereview.domain.breaker import FAILURES_TO_OPEN, LONGEST_REST, SHORTEST_REST, Breaker
from codereview.errors import NotFoundError, RetryableError, ThrottledError
from tests.adapters.github.world import NOW, FakeClock, World

SECOND = timedelta(seconds=1)


class FarSide:
    """Fails as long as it is told to, and counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = RetryableError("502")

    def __call__(self) -> str:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return "well"


def tried(circuit: Circuit, side: FarSide, times: int) -> None:
    for _ in range(times):
        with pytest.raises((RetryableError, NotFoundError)):
            circuit.call(side)


def test_f54_an_outage_is_not_called_until_its_rest_is_over_and_then_once() -> None:
    clock, side = FakeClock(), FarSide()
    circuit = Circuit(clock, name="GitHub")
    tried(circuit, side, 20)
    assert side.calls == FAILURES_TO_OPEN
    clock.sleep(SHORTEST_REST)
    tried(circuit, side, 20)
    assert side.calls == FAILURES_TO_OPEN + 1
    clock.sleep(2 * SHORTEST_REST)
    side.error = None
    assert [circuit.call(side) for _ in range(3)] == ["well"] * 3


def test_f46_a_limit_opens_the_circuit_at_once_for_as_long_as_was_asked() -> None:
    clock, side = FakeClock(), FarSide()
    circuit = Circuit(clock, name="GitHub")
    side.error = ThrottledError("429", retry_after=90 * SECOND)
    tried(circuit, side, 5)
    assert side.calls == 1
    clock.sleep(30 * SECOND)
    with pytest.raises(ThrottledError) as refused:
        circuit.call(side)
    assert refused.value.retry_after == 60 * SECOND
    clock.sleep(60 * SECOND)
    side.error = None
    assert circuit.call(side) == "well"


def test_a_refusal_is_an_answer_and_opens_nothing() -> None:
    side = FarSide()
    side.error = NotFoundError("404")
    tried(Circuit(FakeClock(), name="GitHub"), side, 20)
    assert side.calls == 20


@given(st.lists(st.integers(0, 600), min_size=FAILURES_TO_OPEN, max_size=30))
def test_a_rest_is_never_longer_than_its_bound_and_a_success_ends_it(pauses: list[int]) -> None:
    breaker, now = Breaker(), NOW
    for pause in pauses:
        now += pause * SECOND
        breaker = breaker.after_failure(now)
        rest = breaker.rest(now)
        assert rest is None or SHORTEST_REST <= rest <= LONGEST_REST
    assert breaker.rest(now) is not None
    assert breaker.after_success() == Breaker()


def test_f46_one_installations_limit_is_no_others_business() -> None:
    world = World()
    limited = httpx.Response(403, headers={"retry-after": "60"}, json={"message": "secondary rate limit"})
    world.on("GET /repos/o/r/pulls/1", limited)
    app = world.app()
    for _ in range(3):
        with pytest.raises(ThrottledError):
            app.repository(5, 2).pull_request(1)
    assert len(world.asked("GET /repos/o/r/pulls/1")) == 1
    with pytest.raises(ThrottledError):
        app.repository(6, 2).pull_request(1)
    assert len(world.asked("GET /repos/o/r/pulls/1")) == 2
