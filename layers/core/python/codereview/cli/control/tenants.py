"""`codereview tenants` and `codereview people`: whose reviews they are, and who may do what."""

import click

from codereview.cli.control.connection import Control, confirmed, connected, limit_option, yes_option
from codereview.domain.control.people import Role

_TENANTS = (("ID", "id"), ("LOGIN", "login"), ("STATUS", "status"), ("BLOCKED", "is_blocked"), ("SINCE", "began_at"))
_PEOPLE = (("USER", "user_id"), ("LOGIN", "login"), ("ROLE", "role"), ("SINCE", "since"))


@click.group()
def tenants() -> None:
    """GitHub accounts that installed the App: list, bind, show, renew, block, unblock."""


@tenants.command("list")
@limit_option
@connected
def list_tenants(control: Control, limit: int) -> None:
    """List the tenants that you reach."""
    control.show_list("tenants.list", {}, _TENANTS, limit=limit)


@tenants.command()
@click.argument("installation", type=click.IntRange(1))
@connected
def bind(control: Control, installation: int) -> None:
    """Make or renew the tenant of an installation, by what GitHub says about it."""
    control.show("tenants.bind", {}, {"installation_id": installation})


@tenants.command()
@connected
def show(control: Control) -> None:
    """Show a tenant."""
    control.show("tenants.show", {"tenant": control.tenant()})


@tenants.command()
@connected
def renew(control: Control) -> None:
    """Ask GitHub again about a tenant's installation; one that is gone removes the tenant."""
    control.show("tenants.renew", {"tenant": control.tenant()})


@tenants.command()
@yes_option
@connected
def block(control: Control, *, yes: bool) -> None:
    """Stop serving a tenant, within a minute."""
    tenant = control.tenant()
    confirmed(f"Stop all reviews and refuse all requests of {tenant}?", yes=yes)
    control.show("tenants.block", {"tenant": tenant})


@tenants.command()
@connected
def unblock(control: Control) -> None:
    """Serve a tenant again."""
    control.show("tenants.unblock", {"tenant": control.tenant()})


@click.group()
def people() -> None:
    """People of a tenant and their roles: list, show, set, remove."""


@people.command("list")
@limit_option
@connected
def list_people(control: Control, limit: int) -> None:
    """List a tenant's people."""
    control.show_list("people.list", {"tenant": control.tenant()}, _PEOPLE, limit=limit)


@people.command("show")
@click.argument("user")
@connected
def show_person(control: Control, user: str) -> None:
    """Show a person's role; USER is GitHub's number."""
    control.show("people.show", {"tenant": control.tenant(), "user": user})


@people.command("set")
@click.argument("user")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What the person may do.")
@click.option("--login", required=True, help="The GitHub login, for people to read.")
@connected
def set_role(control: Control, user: str, role: str, login: str) -> None:
    """Give a person a role; USER is GitHub's number, since logins change hands."""
    control.show("people.set_role", {"tenant": control.tenant(), "user": user}, {"role": role, "login": login})


@people.command()
@click.argument("user")
@yes_option
@connected
def remove(control: Control, user: str, *, yes: bool) -> None:
    """Take a person's role; a tenant keeps its last admin."""
    confirmed(f"Take the role of {user}?", yes=yes)
    control.call("people.remove", {"tenant": control.tenant(), "user": user})
    control.out.note(f"{user} has no role any more.")
