"""Finds, every minute, what was left undone, and has it done again."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.bootstrap.reconciler import reconciler


def handle(_event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Run the jobs that are due."""
    return reconciler().run(context)
