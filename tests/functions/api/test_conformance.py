"""The running API against its own description: schemathesis makes requests of every kind, and checks each answer."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode

from codereview.domain.control.people import Role
from codereview.entrypoints.api.openapi import text
from tests.functions.api.samples import BY_NAME, sample
from tests.functions.api.world import World, event

# A request of the right form may still ask for what is not there (404), has ended (409), was changed (412), or
# lies in the past (400, whose reason the description cannot say).
FOR_RIGHT_FORMS = ["2xx", "400", "403", "404", "409", "412", "422"]
CONFIG = schemathesis.Config.from_dict(
    {
        "checks": {"positive_data_acceptance": {"expected-statuses": FOR_RIGHT_FORMS}},
        "output": {"truncation": {"enabled": True}},
    }
)

# Where there is nothing to send, nothing that is sent can be wrong.
NOTHING_TO_SEND = {"status.show", "sign_in.begin"}
CASES = [
    (operation, mode)
    for operation in sorted(BY_NAME)
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation not in NOTHING_TO_SEND
]


class Gateway:
    """API Gateway before the function, as a WSGI application; a minute passes between two requests."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.statuses: dict[int, int] = {}

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/openapi.json":
            start("200 OK", [("content-type", "application/json")])
            return [text().encode()]
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or (name == "CONTENT_TYPE" and value)
        }
        body = environ["wsgi.input"].read().decode("utf-8", errors="surrogateescape")
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", errors="replace")
        given = event(environ["REQUEST_METHOD"], path, headers=headers, body=body, query=environ["QUERY_STRING"])
        self.world.clock.sleep(timedelta(minutes=1))
        reply = self.world.send(given)
        self.statuses[reply.status] = self.statuses.get(reply.status, 0) + 1
        start(f"{reply.status} -", list(reply.headers.items()))
        return [reply.text.encode("utf-8", errors="surrogateescape")]


@pytest.fixture(scope="module")
def gateway(shared: World) -> Gateway:
    shared.person(11, Role.ADMIN)
    shared.review()
    return Gateway(shared)


@pytest.fixture(scope="module")
def described(gateway: Gateway) -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", gateway, config=CONFIG)


def hold_to_the_description(
    gateway: Gateway, described: Any, operation: str, mode: GenerationMode, *, rules: settings
) -> None:
    """Send requests of a kind to an operation, and run every check on each answer."""
    route = BY_NAME[operation]
    cases = described[route.path][route.method].as_strategy(generation_mode=mode)

    @rules
    @given(case=cases)
    def hold(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and route.parameters:
            found = route.pattern.fullmatch(sample(gateway.world, operation).path)
            assert found is not None
            case.path_parameters.update(found.groupdict())
        # What is wrong about a request must still be there when it is written down: an empty list in a query is not.
        assume(not any(value in (None, [], {}) for value in (case.query or {}).values()))
        case.call_and_validate(headers={"Authorization": f"Bearer {gateway.world.operator()}"})

    gateway.statuses.clear()
    hold()
    assert not [status for status in gateway.statuses if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500]
    if mode is GenerationMode.POSITIVE and route.method == "GET":
        assert HTTPStatus.OK in gateway.statuses


FEW = settings(max_examples=5, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_b71_every_answer_is_one_that_the_description_knows(
    gateway: Gateway, described: Any, operation: str, mode: GenerationMode
) -> None:
    hold_to_the_description(gateway, described, operation, mode, rules=FEW)


@pytest.mark.long
@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_b71_every_answer_to_a_stranger_request_is_too(
    gateway: Gateway, described: Any, operation: str, mode: GenerationMode
) -> None:
    """Others each time, and many more: about six thousand in all."""
    rules = settings(FEW, max_examples=60, derandomize=False)
    hold_to_the_description(gateway, described, operation, mode, rules=rules)
