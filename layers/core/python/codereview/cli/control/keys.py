"""`codereview keys`: what programs sign in with."""

import click

from codereview.cli.control.connection import Control, confirmed, connected, limit_option, yes_option
from codereview.cli.control.values import MOMENT
from codereview.domain.control.scopes import ADMINISTRATING

_COLUMNS = (
    ("ID", "id"),
    ("NAME", "name"),
    ("SCOPES", "scopes"),
    ("EXPIRES", "expires_at"),
    ("LAST USED", "last_used_at"),
    ("REVOKED", "revoked_at"),
)
_ONCE = "This is the only time that the key is shown."


@click.group()
def keys() -> None:
    """API keys of a tenant: list, create, show, rotate, revoke."""


@keys.command("list")
@limit_option
@connected
def list_keys(control: Control, limit: int) -> None:
    """List the keys, without their text."""
    control.show_list("keys.list", {"tenant": control.tenant()}, _COLUMNS, limit=limit)


@keys.command()
@click.option("--name", required=True, help="What it is for, for people to read.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice(sorted(scope.value for scope in ADMINISTRATING)),
    help="What it may do; again for each.",
)
@click.option("--expires", required=True, type=MOMENT, help="When it ends: 2027-01-31, or +90d.")
@connected
def create(control: Control, name: str, scopes: tuple[str, ...], expires: str) -> None:
    """Make a key, and print it once."""
    wanted = {"name": name, "scopes": list(scopes), "expires_at": expires}
    control.show("keys.create", {"tenant": control.tenant()}, wanted)
    control.out.note(_ONCE)


@keys.command()
@click.argument("key")
@connected
def show(control: Control, key: str) -> None:
    """Show a key, without its text."""
    control.show("keys.show", {"tenant": control.tenant(), "key": key})


@keys.command()
@click.argument("key")
@yes_option
@connected
def revoke(control: Control, key: str, *, yes: bool) -> None:
    """End a key at once, and every key that it made."""
    confirmed(f"Revoke {key}, and all that it made?", yes=yes)
    control.call("keys.revoke", {"tenant": control.tenant(), "key": key})
    control.out.note(f"{key} is revoked.")


@keys.command()
@click.argument("key")
@click.option("--overlap", type=click.IntRange(0), default=0, metavar="SECONDS", help="How long the old text goes on.")
@connected
def rotate(control: Control, key: str, overlap: int) -> None:
    """Give a key another text, print it once, and end the old one."""
    control.show("keys.rotate", {"tenant": control.tenant(), "key": key}, {"overlap_seconds": overlap})
    control.out.note(_ONCE)
