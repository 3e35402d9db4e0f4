"""Runs the analyzers over the files that the reviewer sends."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.bootstrap.analyzer import analyzer


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Answer one direct invocation."""
    return analyzer().process(event)
