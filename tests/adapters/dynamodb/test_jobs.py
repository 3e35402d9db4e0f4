"""When the reconciler's jobs are due, on DynamoDB's own conditional writes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from codereview.adapters.dynamodb.jobs import DynamoJobs
from codereview.ports import JobState

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
EVERY = timedelta(minutes=15)


@pytest.fixture
def jobs(dynamodb: "DynamoDBClient", table: str) -> DynamoJobs:
    return DynamoJobs(dynamodb, table)


def test_a_job_is_due_once_in_its_time_whoever_asks(jobs: DynamoJobs) -> None:
    assert jobs.begin("deliveries", now=NOW, every=EVERY) == JobState()
    assert jobs.begin("deliveries", now=NOW, every=EVERY) is None
    assert jobs.begin("other", now=NOW, every=EVERY) == JobState()
    assert jobs.begin("deliveries", now=NOW + EVERY - timedelta(seconds=1), every=EVERY) is None
    assert jobs.begin("deliveries", now=NOW + EVERY, every=EVERY) == JobState()


def test_a_job_remembers_its_state_and_may_come_sooner(jobs: DynamoJobs) -> None:
    jobs.begin("deliveries", now=NOW, every=EVERY)
    state = JobState(since=NOW, generation=3, seen_at=NOW + timedelta(seconds=1), notes="what else there is")
    jobs.finish("deliveries", state, next_at=NOW + timedelta(minutes=1))
    assert jobs.begin("deliveries", now=NOW + timedelta(minutes=1), every=EVERY) == state
    jobs.finish("deliveries", JobState(generation=0))  # keeps the moments that it has
    again = jobs.begin("deliveries", now=NOW + timedelta(hours=1), every=EVERY)
    assert again == replace(state, generation=0)
    jobs.finish("deliveries", JobState(notes=""))
    assert jobs.begin("deliveries", now=NOW + timedelta(hours=2), every=EVERY) == replace(again, notes="")


def test_a_job_that_is_not_due_costs_no_write(jobs: DynamoJobs, dynamodb: "DynamoDBClient") -> None:
    asked = list[str]()
    dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    jobs.begin("deliveries", now=NOW, every=EVERY)
    assert asked == ["GetItem", "UpdateItem"]
    asked.clear()
    assert jobs.begin("deliveries", now=NOW + EVERY / 2, every=EVERY) is None
    assert asked == ["GetItem"]
