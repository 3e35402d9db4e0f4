"""`codereview notices`: what people are told on the status page and the dashboard."""

import click

from codereview.cli.control.api import Document
from codereview.cli.control.connection import Control, confirmed, connected, limit_option, yes_option
from codereview.cli.control.values import MOMENT
from codereview.domain.control.notices import NoticeLevel

_COLUMNS = (("ID", "id"), ("LEVEL", "level"), ("TENANT", "tenant"), ("TEXT", "text"), ("UNTIL", "until"))
LEVEL = click.Choice([level.value for level in NoticeLevel])


@click.group()
def notices() -> None:
    """Notices to everybody, or to one tenant: current, list, create, show, change, remove."""


@notices.command()
@connected
def current(control: Control) -> None:
    """Show what concerns a tenant now."""
    control.out.rows(control.call("notices.show_current", {"tenant": control.tenant()}).document, _COLUMNS)


@notices.command("list")
@click.option("--of", "tenant_of", help="Those to this tenant, instead of those to everybody.")
@limit_option
@connected
def list_notices(control: Control, tenant_of: str | None, limit: int) -> None:
    """List notices to everybody, or to one tenant."""
    control.show_list("notices.list", {}, _COLUMNS, limit=limit, query={"tenant": tenant_of})


@notices.command()
@click.argument("text")
@click.option("--level", type=LEVEL, default=NoticeLevel.INFO.value, show_default=True, help="How loud it is.")
@click.option("--until", required=True, type=MOMENT, help="When it ends: +4h, or a time.")
@click.option("--to", "tenant_of", help="One tenant, instead of everybody.")
@connected
def create(control: Control, text: str, level: str, until: str, tenant_of: str | None) -> None:
    """Tell everybody, or one tenant."""
    control.show("notices.create", {}, {"level": level, "text": text, "until": until, "tenant": tenant_of})


@notices.command()
@click.argument("notice")
@connected
def show(control: Control, notice: str) -> None:
    """Show a notice."""
    control.show("notices.show", {"notice": notice})


@notices.command()
@click.argument("notice")
@click.option("--text", help="What it says.")
@click.option("--level", type=LEVEL, help="How loud it is.")
@click.option("--until", type=MOMENT, help="When it ends.")
@connected
def change(control: Control, notice: str, text: str | None, level: str | None, until: str | None) -> None:
    """Change what is named of a notice."""
    given = {name: value for name, value in (("text", text), ("level", level), ("until", until)) if value is not None}
    if not given:
        raise click.UsageError("nothing to change")

    def edit(shown: Document) -> Document:
        return {name: shown[name] for name in ("level", "text", "until")} | given

    control.change("notices.show", "notices.change", {"notice": notice}, edit)


@notices.command()
@click.argument("notice")
@yes_option
@connected
def remove(control: Control, notice: str, *, yes: bool) -> None:
    """Remove a notice."""
    confirmed(f"Remove {notice}?", yes=yes)
    control.call("notices.remove", {"notice": notice})
    control.out.note(f"{notice} is removed.")
