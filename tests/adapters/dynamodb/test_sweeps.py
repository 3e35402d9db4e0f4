"""What the sweep remembers, in the control table."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.sweeps import DynamoSweeps
from codereview.domain.sweeping import Round, Seen
from tests.scenarios.fake_stores import Clock
from tests.scenarios.world import World

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)


def test_a_round_and_a_repository_come_back_as_they_were_kept(dynamodb: "DynamoDBClient", table: str) -> None:
    sweeps = DynamoSweeps(dynamodb, table, Clock(World()))
    assert (sweeps.round(5), sweeps.seen(5, 2)) == (Round(), None)
    began = Round(visited_at=NOW, page=3, done=7)
    sweeps.keep_round(5, began)
    seen = Seen(first_at=NOW, etag='W/"x"', etag_at=NOW, sent_at=NOW)
    sweeps.keep_seen(5, 2, seen)
    assert (sweeps.round(5), sweeps.seen(5, 2)) == (began, seen)
    rests = Round(visited_at=NOW, rests_until=NOW + timedelta(hours=1))
    sweeps.keep_round(5, rests)
    sweeps.keep_seen(5, 2, Seen(first_at=NOW))
    assert (sweeps.round(5), sweeps.seen(5, 2)) == (rests, Seen(first_at=NOW))
    assert (sweeps.round(6), sweeps.seen(5, 3)) == (Round(), None)
