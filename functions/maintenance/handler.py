"""Keeps the record in shape, every night and when somebody asks for it."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.bootstrap.maintenance import maintenance


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run one command."""
    return maintenance().process(event, context)
