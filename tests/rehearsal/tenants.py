"""Tenants as they come to be: an account installs the App, and somebody who may binds it."""

from local.demo import sample_repository
from local.stack import LocalStack
from tests.scenarios.callers import call, installation


def tenant_of(stack: LocalStack, person: str, owner: str) -> str:
    """Bind an account that installed the App."""
    stack.hub.add_repository(sample_repository(), owner=owner, name="limited")
    bound = call(stack, "POST", "/v1/tenants", person, {"installation_id": installation(stack, owner)})
    assert bound.status == 200, bound
    return str(bound.document["id"])
