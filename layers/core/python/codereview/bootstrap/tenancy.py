"""What keeps tenants in step with their installations."""

from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.github.app import GitHubApp
from codereview.adapters.github.installations import GitHubInstallations
from codereview.ports import Clock
from codereview.use_cases.control.renew_tenant import RenewTenant

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def renew_tenant(client: "DynamoDBClient", table: str, clock: Clock, *, github: GitHubApp, host: str) -> RenewTenant:
    """Build what asks GitHub for one: with a message of the reviewer's, and in a job of the reconciler's."""
    return RenewTenant(
        installations=GitHubInstallations(github.client, host=host, clock=clock), tenants=DynamoTenants(client, table)
    )
