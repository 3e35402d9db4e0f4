"""Reviews the pull requests that the webhook function queued."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.bootstrap.reviewer import reviewer


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take each message of the review queue one step further."""
    return reviewer().process(event, context)
