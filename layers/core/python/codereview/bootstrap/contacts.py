"""The tenants' mail addresses, in an operator's hands."""

from codereview.adapters.dynamodb.control.contacts import DynamoContacts
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.bootstrap.account import clients, control_table
from codereview.use_cases.control.change_contacts import ChangeContacts


def change_contacts(stack: str) -> ChangeContacts:
    """Reach the addresses of a stack's tenants."""
    opened = clients("dynamodb", "lambda")
    dynamodb, table = opened["dynamodb"], control_table(opened, stack)
    return ChangeContacts(tenants=DynamoTenants(dynamodb, table), store=DynamoContacts(dynamodb, table))
