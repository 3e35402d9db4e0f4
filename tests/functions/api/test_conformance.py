"""The api function against its own description, as everybody there is: in process, and over HTTP."""

from collections.abc import Iterator

import pytest
from schemathesis import GenerationMode

from codereview.domain.control.people import Role
from functions.api import handler
from tests.functions.api.conformance import FEW, MANY, ONE, PRINCIPALS, Gateway, hold_to_the_description, modes
from tests.functions.api.samples import BY_NAME
from tests.functions.api.served import Served
from tests.functions.api.world import World

CASES = [(operation, mode) for operation in sorted(BY_NAME) for mode in modes(operation)]
# Each operation has its turn with one of them; all have all in the long run.
OTHERS = [name for name in PRINCIPALS if name != "operator"]
IN_TURNS = [(operation, mode, OTHERS[number % len(OTHERS)]) for number, (operation, mode) in enumerate(CASES)]


@pytest.fixture(scope="module")
def gateway(shared: World) -> Gateway:
    shared.person(11, Role.ADMIN)
    shared.review()
    return Gateway(shared)


@pytest.fixture(scope="module")
def served(shared: World) -> Iterator[Served]:
    """The handler behind a server on a port of its own."""
    shared.person(11, Role.ADMIN)
    shared.review()
    with pytest.MonkeyPatch.context() as patch, Served(shared) as server:
        # The handler asks for the deployment's function; this one has a clock and a GitHub of its own.
        patch.setattr(handler, "api", lambda: shared.app)
        yield server


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_b71_every_answer_is_one_that_the_description_knows(
    gateway: Gateway, operation: str, mode: GenerationMode
) -> None:
    hold_to_the_description(gateway, operation, mode, "operator", rules=FEW)


@pytest.mark.parametrize(("operation", "mode", "principal"), IN_TURNS)
def test_b71_so_is_every_answer_to_those_who_may_less(
    gateway: Gateway, operation: str, mode: GenerationMode, principal: str
) -> None:
    hold_to_the_description(gateway, operation, mode, principal, rules=ONE)


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_b71_so_is_every_answer_over_http(served: Served, operation: str, mode: GenerationMode) -> None:
    hold_to_the_description(served, operation, mode, "admin", rules=ONE)


@pytest.mark.long
@pytest.mark.parametrize("principal", PRINCIPALS)
@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_b71_every_answer_to_a_stranger_request_is_too(
    gateway: Gateway, operation: str, mode: GenerationMode, principal: str
) -> None:
    """Others each time, and many more: about twenty thousand in all."""
    hold_to_the_description(gateway, operation, mode, principal, rules=MANY)


@pytest.mark.long
@pytest.mark.parametrize("principal", PRINCIPALS)
@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_b71_over_http_too(served: Served, operation: str, mode: GenerationMode, principal: str) -> None:
    hold_to_the_description(served, operation, mode, principal, rules=FEW)
