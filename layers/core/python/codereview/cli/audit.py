"""`codereview audit`: what was done, and whether anybody has changed the log of it since."""

from typing import Any

import click

from codereview.cli.maintenance import Call, on_the_record
from codereview.cli.printable import printable

_BROKEN = 1


@click.group()
@on_the_record
def audit(context: click.Context, call: Call) -> None:
    """Read and verify the audit log; each tenant has a chain, and the deployment one of its own."""
    context.obj = call


@audit.command("list")
@click.argument("tenant")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)
@click.pass_obj
def list_(call: Call, tenant: str, limit: int) -> None:
    """Show what was done last in TENANT (HOST:ACCOUNT_ID, or `deployment`), the newest first."""
    for each in call("audit list", tenant=tenant, limit=limit):
        refused = "" if each["outcome"] == "done" else f"  {each['outcome']}"
        line = f"{each['seq']:>8}  {each['at']:<32}  {each['actor']}  {each['action']}  {each['target']}{refused}"
        click.echo(printable(line))


@audit.command()
@click.argument("tenant", required=False)
@click.option("--anchor", "anchors", multiple=True, help="A head that was kept elsewhere, SEQ:HASH; again for each.")
@click.pass_context
def verify(context: click.Context, tenant: str | None, anchors: tuple[str, ...]) -> None:
    """Verify the chain of TENANT (HOST:ACCOUNT_ID, or `deployment`), or all; the exit code is 1 if one is broken.

    An entry that was edited, deleted, inserted or moved breaks its chain. That the end was cut off, or that a chain was
    written anew, shows by the heads that the maintenance function keeps in the bucket each night, and by yours.
    """
    call: Call = context.obj
    reports = call("audit verify", _exit_code, tenant=tenant, anchors=list(anchors))
    for each in reports:
        word = "whole" if each["is_whole"] else "BROKEN"
        kept = f"anchored up to {each['anchored_up_to']:,}" if each["anchors"] else "not anchored yet"
        click.echo(f"{each['tenant']:<32}  {word:<6}  {each['entries']:>9,} entries, {kept}; head {each['head']}")
        for fault in each["faults"]:
            click.echo(f"    at {fault['seq']:,}: {fault['problem']}")
    context.exit(_exit_code(reports))


def _exit_code(reports: list[dict[str, Any]]) -> int:
    return 0 if all(each["is_whole"] for each in reports) else _BROKEN
