"""A world for each test."""

from typing import TYPE_CHECKING

import pytest

from tests.adapters.dynamodb.control.control_world import World

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def world(dynamodb: "DynamoDBClient", table: str) -> World:
    return World(dynamodb, table)
