"""The part of the composition root that keeps tenants in step with their installations."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.contacts import DynamoContacts
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.jobs import DynamoJobs
from codereview.adapters.github.app import GitHubApp
from codereview.adapters.github.installations import GitHubInstallations
from codereview.adapters.github.open_heads import GitHubOpenHeads
from codereview.adapters.system import RandomIds
from codereview.ports import Clock
from codereview.use_cases.control.renew_tenant import RenewTenant
from codereview.use_cases.follow_installations import FollowInstallations
from codereview.use_cases.reconcile.forget_contacts import ForgetContacts
from codereview.use_cases.reconcile.renew_tenants import RenewTenants
from codereview.use_cases.take_turns import Review

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def follow_installations(
    client: "DynamoDBClient",
    table: str,
    clock: Clock,
    *,
    github: GitHubApp,
    host: str,
    review: Review,
    jitter: Callable[[], float],
) -> FollowInstallations:
    """Build the reviewer's first step; `review` is what comes after it."""
    return FollowInstallations(
        clock=clock,
        ids=RandomIds(),
        renew=_renew(client, table, clock, github=github, host=host),
        agenda=DynamoAgenda(client, table),
        review=review,
        jitter=jitter,
    )


def renew_tenants(client: "DynamoDBClient", table: str, clock: Clock, *, github: GitHubApp, host: str) -> RenewTenants:
    """Build the reconciler's job."""
    return RenewTenants(
        clock=clock,
        ids=RandomIds(),
        jobs=DynamoJobs(client, table),
        github=GitHubOpenHeads(github),
        tenants=DynamoTenants(client, table),
        renew=_renew(client, table, clock, github=github, host=host),
        host=host,
    )


def forget_contacts(client: "DynamoDBClient", table: str, clock: Clock) -> ForgetContacts:
    """Build the reconciler's job."""
    return ForgetContacts(
        clock=clock,
        ids=RandomIds(),
        jobs=DynamoJobs(client, table),
        tenants=DynamoTenants(client, table),
        contacts=DynamoContacts(client, table),
    )


def _renew(client: "DynamoDBClient", table: str, clock: Clock, *, github: GitHubApp, host: str) -> RenewTenant:
    return RenewTenant(
        installations=GitHubInstallations(github.client, host=host, clock=clock), tenants=DynamoTenants(client, table)
    )
