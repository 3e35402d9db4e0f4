"""Writes finished reviews into the record."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.bootstrap.recorder import recorder


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Record each message of the record queue."""
    return recorder().process(event, context)
