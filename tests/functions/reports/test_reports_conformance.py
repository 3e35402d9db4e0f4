"""The reports function against its own description, as everybody there is, over a real record."""

import pytest
from schemathesis import GenerationMode

from codereview.domain.control.people import Role
from codereview.entrypoints.reports.routes import ROUTES
from tests.functions.api.conformance import FEW, MANY, ONE, PRINCIPALS, Gateway, hold_to_the_description
from tests.functions.reports.conftest import Record

OPERATIONS = sorted(route.operation for route in ROUTES)
OTHERS = [name for name in PRINCIPALS if name != "operator"]


@pytest.fixture(scope="module")
def gateway(shared_record: Record) -> Gateway:
    shared_record.world.person(11, Role.ADMIN)
    return Gateway(shared_record.world, shared_record.app)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("operation", OPERATIONS)
def test_b71_every_answer_of_the_record_is_one_that_the_description_knows(
    gateway: Gateway, operation: str, mode: GenerationMode
) -> None:
    hold_to_the_description(gateway, operation, mode, "operator", rules=FEW)


@pytest.mark.parametrize("principal", OTHERS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_b71_so_is_every_answer_of_the_record_to_those_who_may_less(
    gateway: Gateway, operation: str, principal: str
) -> None:
    hold_to_the_description(gateway, operation, GenerationMode.POSITIVE, principal, rules=ONE)


@pytest.mark.long
@pytest.mark.parametrize("principal", PRINCIPALS)
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("operation", OPERATIONS)
def test_b71_every_answer_of_the_record_to_a_stranger_request_is_too(
    gateway: Gateway, operation: str, mode: GenerationMode, principal: str
) -> None:
    hold_to_the_description(gateway, operation, mode, principal, rules=MANY)
