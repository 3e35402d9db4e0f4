"""Every route of the record by every kind of caller, as the table that people wrote says."""

import pytest

from codereview.entrypoints.reports.routes import ROUTES
from tests.functions.api.matrix import hold_to_the_table
from tests.functions.reports.conftest import Record


def test_what_is_served_is_what_is_described(shared_record: Record) -> None:
    assert tuple(shared_record.app.routes) == ROUTES


@pytest.mark.parametrize("operation", sorted(route.operation for route in ROUTES))
def test_b64_every_caller_gets_as_far_into_the_record_as_the_table_says(shared_record: Record, operation: str) -> None:
    hold_to_the_table(shared_record.world, operation, app=shared_record.app)
