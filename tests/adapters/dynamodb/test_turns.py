"""Who has a reviewer, on DynamoDB's own conditional writes."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.turns import DynamoTurns
from codereview.domain.turns import Turn, Turns

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)


def test_turns_are_kept_and_of_two_writers_one_has_to_read_again(dynamodb: "DynamoDBClient", table: str) -> None:
    first, second = DynamoTurns(dynamodb, table), DynamoTurns(dynamodb, table)
    assert first.load() == Turns()
    mine = replace(first.load(), turns={"a": Turn(tenant="github.com:1", until=NOW)}, seen={"github.com:1": NOW})
    theirs = replace(second.load(), turns={"b": Turn(tenant="github.com:2", until=NOW)})
    assert first.save(mine)
    assert not second.save(theirs)
    assert second.load() == replace(mine, version=1)
    assert second.save(replace(second.load(), turns={}))
    assert first.load() == Turns(seen={"github.com:1": NOW}, version=2)
