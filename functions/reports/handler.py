"""Answers what is asked of the record: findings, reviews, the audit log, usage and precision."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.bootstrap.reports import reports


def handle(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return reports().handle(event)
