"""Transactions: what a refusal of DynamoDB's means, for those that no emulator makes when asked."""

from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from codereview.adapters.dynamodb.control.transactions import transact
from codereview.errors import StaleVersionError, ThrottledError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PART: Any = {"Delete": {"TableName": "control", "Key": {"pk": {"S": "key#1"}}}}


def cancelled(stub: Stubber, code: str) -> None:
    stub.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        http_status_code=400,
        modeled_fields={"CancellationReasons": [{"Code": code}]},
    )


@pytest.fixture
def parts() -> list[tuple[Any, Exception]]:
    return [(PART, StaleVersionError("stale"))]


def test_a_transaction_that_met_another_one_is_tried_again(dynamodb: "DynamoDBClient", parts: Any) -> None:
    with Stubber(dynamodb) as stub:
        cancelled(stub, "TransactionConflict")
        cancelled(stub, "TransactionConflict")
        stub.add_response("transact_write_items", {})
        transact(dynamodb, parts)
        stub.assert_no_pending_responses()


def test_a_transaction_that_always_meets_another_one_is_for_later(dynamodb: "DynamoDBClient", parts: Any) -> None:
    with Stubber(dynamodb) as stub:
        for _ in range(5):
            cancelled(stub, "TransactionConflict")
        with pytest.raises(ThrottledError):
            transact(dynamodb, parts)


def test_a_transaction_that_is_still_at_work_is_for_later_and_not_sent_under_another_name(
    dynamodb: "DynamoDBClient", parts: Any
) -> None:
    with Stubber(dynamodb) as stub:
        stub.add_client_error("transact_write_items", "TransactionInProgressException", http_status_code=400)
        with pytest.raises(ThrottledError, match="TransactionInProgressException"):
            transact(dynamodb, parts)


def test_a_condition_that_does_not_hold_says_what_its_part_means(dynamodb: "DynamoDBClient", parts: Any) -> None:
    with Stubber(dynamodb) as stub:
        cancelled(stub, "ConditionalCheckFailed")
        with pytest.raises(StaleVersionError):
            transact(dynamodb, parts)
