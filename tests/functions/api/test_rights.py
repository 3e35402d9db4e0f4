"""Every route by every kind of caller, generated from the router and compared with a table that people wrote."""

import pytest

from codereview.domain.control.people import Role
from codereview.entrypoints.api.openapi import EVERY_ROUTE
from codereview.entrypoints.api.routing import Who
from tests.functions.api.matrix import hold_to_the_table
from tests.functions.api.rights import ANYBODY, IN_TENANT, OPERATORS, PEOPLE, SIGNED_IN
from tests.functions.api.samples import BY_NAME
from tests.functions.api.world import World


def test_every_route_stands_in_the_table_once() -> None:
    listed = [*ANYBODY, *SIGNED_IN, *PEOPLE, *OPERATORS, *IN_TENANT]
    assert sorted(listed) == sorted(route.operation for route in EVERY_ROUTE)
    assert len({(route.method, route.path) for route in EVERY_ROUTE}) == len(EVERY_ROUTE)


def test_the_router_asks_for_what_the_table_says() -> None:
    for route in EVERY_ROUTE:
        if isinstance(route.access, Who):
            names = {Who.ANYBODY: ANYBODY, Who.SIGNED_IN: SIGNED_IN, Who.PERSON: PEOPLE, Who.OPERATOR: OPERATORS}
            assert route.operation in names[route.access], route.operation
            assert "{tenant}" not in route.path
        else:
            scope = IN_TENANT[route.operation].scope
            assert scope in (route.access.value, None)
            assert (scope is None) == route.access.is_operator_only
            assert route.path.startswith("/v1/tenants/{tenant}")
            roles = {role.value for role in Role if route.access in role.scopes}
            assert roles == IN_TENANT[route.operation].roles


@pytest.mark.parametrize("operation", sorted(BY_NAME))
def test_b64_every_caller_gets_as_far_as_the_table_says(shared: World, operation: str) -> None:
    hold_to_the_table(shared, operation)
