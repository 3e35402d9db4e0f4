"""What is deployed, in an operator's hands."""

from codereview.adapters.aws.inspection import Inspection, StackAliases
from codereview.adapters.dynamodb.control.deployments import DynamoDeployLogs
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.bootstrap.account import clients, control_table
from codereview.use_cases.operate_releases import OperateReleases


def operate_releases(stack: str) -> OperateReleases:
    """Reach what is deployed, and the log of it."""
    opened = clients("dynamodb", "lambda")
    dynamodb, table = opened["dynamodb"], control_table(opened, stack)
    return OperateReleases(
        aliases=StackAliases(Inspection(opened, stack), opened["lambda"]),
        logs=DynamoDeployLogs(dynamodb, table),
        outbox=DynamoAuditOutbox(dynamodb, table),
        migrations=f"{stack}-migrations",
    )
