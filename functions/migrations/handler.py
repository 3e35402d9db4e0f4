"""Brings the record's schema up to date during a deploy, as a custom resource of the stack."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.bootstrap.migrations import migrations


def handle(event: dict[str, Any], context: LambdaContext) -> None:
    """Migrate, and tell CloudFormation how it went."""
    migrations().process(event, context)
