"""Every route of the record by every kind of caller, as the table that people wrote says."""

import pytest

from codereview.entrypoints.reports.routes import ROUTES
from tests.functions.api.matrix import hold_to_the_table
from tests.functions.api.uniform import hold_closed, hold_uniform, strangers
from tests.functions.reports.conftest import Record


def test_what_is_served_is_what_is_described(shared_record: Record) -> None:
    assert tuple(shared_record.app.routes) == ROUTES


@pytest.mark.parametrize("operation", sorted(route.operation for route in ROUTES))
def test_b64_every_caller_gets_as_far_into_the_record_as_the_table_says(shared_record: Record, operation: str) -> None:
    hold_to_the_table(shared_record.world, operation, app=shared_record.app)


def test_b59_b64_anothers_record_is_refused_like_nobodys(shared_record: Record) -> None:
    world, tokens = shared_record.world, strangers(shared_record.world)
    closed = set()
    for operation in sorted(route.operation for route in ROUTES):
        for token in (shared_record.token, world.person(14)):
            assert hold_uniform(world, operation, token, app=shared_record.app) == {404}
        closed |= hold_closed(world, operation, tokens, app=shared_record.app)
    assert [status for status, _, _ in closed] == [401]
