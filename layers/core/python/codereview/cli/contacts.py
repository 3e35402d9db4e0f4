"""`codereview contacts`: where a tenant is told by mail, put in by whoever runs the deployment."""

# ruff: noqa: PLC0415 -- what reaches AWS imports much, and `--help` waits for none of it

import click

from codereview.cli.control.output import Output
from codereview.cli.stacks import json_option, reached, stack_option
from codereview.domain.control.contacts import Contacts, checked
from codereview.domain.control.tenants import parse_tenant_id
from codereview.domain.review import TenantId


class TenantType(click.ParamType[TenantId]):
    """`github.com:583231`."""

    name = "host:account"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> TenantId:
        """Read it."""
        tenant = parse_tenant_id(value)
        if tenant is None:
            self.fail(f"{value!r} is no tenant such as github.com:583231", param, ctx)
        return tenant


@click.group()
def contacts() -> None:
    """Mail addresses of tenants, for warnings and incidents: show, set, clear."""


@contacts.command()
@click.argument("tenant", type=TenantType())
@stack_option
@json_option
def show(tenant: TenantId, stack: str | None, *, as_json: bool) -> None:
    """Show a tenant's addresses."""
    from codereview.bootstrap.contacts import change_contacts

    _show(change_contacts(reached(stack)).load(tenant), as_json=as_json)


@contacts.command("set")
@click.argument("tenant", type=TenantType())
@click.argument("addresses", nargs=-1, required=True)
@stack_option
@json_option
def set_contacts(tenant: TenantId, addresses: tuple[str, ...], stack: str | None, *, as_json: bool) -> None:
    """Put ADDRESSES in place of a tenant's."""
    _change(tenant, checked(addresses), stack, as_json=as_json)


@contacts.command()
@click.argument("tenant", type=TenantType())
@stack_option
@json_option
def clear(tenant: TenantId, stack: str | None, *, as_json: bool) -> None:
    """Mail a tenant no more."""
    _change(tenant, (), stack, as_json=as_json)


def _change(tenant: TenantId, addresses: tuple[str, ...], stack: str | None, *, as_json: bool) -> None:
    from codereview.bootstrap.account import request
    from codereview.bootstrap.contacts import change_contacts

    name = reached(stack)
    book = change_contacts(name)
    _show(book.change(tenant, addresses, request=request()), as_json=as_json)


def _show(found: Contacts, *, as_json: bool) -> None:
    Output(as_json=as_json).document({"tenant": found.tenant, "addresses": list(found.addresses)})
