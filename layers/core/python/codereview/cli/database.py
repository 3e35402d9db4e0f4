"""`codereview database`: what an operator does to the record, through the maintenance function or a database here.

Nothing is done past the function: it checks, audits and answers, whoever asks.
"""

from typing import Any

import click

from codereview.cli.maintenance import Call, on_the_record

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000


@click.group()
@on_the_record
def database(context: click.Context, call: Call) -> None:
    """Look after the record: status, VACUUM, indexes, archives, retention. Everything is audited."""
    context.obj = call


@database.command()
@click.pass_obj
def status(call: Call) -> None:
    """Show sizes, dead rows, transaction ages and months."""
    found = call("status")
    click.echo(f"Database: {_size(found['bytes'])}, transaction age {found['transaction_age']:,}")
    click.echo(f"Months online: {', '.join(found['months'])}; rows without a month: {found['default_rows']}")
    click.echo(f"{'table':<24}{'size':>10}{'rows':>14}{'dead':>12}{'dead %':>8}  last vacuum")
    for table in found["tables"]:
        share = f"{table['dead_ratio']:.1%}"
        row = f"{table['name']:<24}{_size(table['bytes']):>10}{table['live_rows']:>14,}{table['dead_rows']:>12,}"
        click.echo(f"{row}{share:>8}  {table['last_vacuum'] or 'never'}")


@database.command()
@click.argument("table")
@click.pass_obj
def vacuum(call: Call, table: str) -> None:
    """Run VACUUM (ANALYZE) on TABLE, or on one of its partitions."""
    call("vacuum", table=table)
    click.echo(f"Vacuumed {table}.")


@database.command()
@click.argument("table")
@click.option("--scale-factor", type=click.FloatRange(0, 1), required=True, help="Share of dead rows to begin at.")
@click.pass_obj
def autovacuum(call: Call, table: str, scale_factor: float) -> None:
    """Set when autovacuum begins with TABLE."""
    call("autovacuum", table=table, scale_factor=scale_factor)
    click.echo(f"Autovacuum of {table} begins at {scale_factor:.1%}.")


@database.group()
def index() -> None:
    """List, add and drop indexes."""


@index.command("list")
@click.pass_obj
def list_(call: Call) -> None:
    """List every index with its size and how often it was used."""
    for each in call("index list"):
        note = "" if each["is_valid"] else "  NOT VALID"
        note += "  added by hand" if each["is_own"] else ""
        click.echo(f"{each['name']:<44}{_size(each['bytes']):>10}{each['scans']:>12,} scans{note}")


@index.command()
@click.argument("table")
@click.argument("columns", nargs=-1, required=True)
@click.pass_obj
def add(call: Call, table: str, columns: tuple[str, ...]) -> None:
    """Build an index on COLUMNS of TABLE while everybody goes on working."""
    click.echo(f"Added {call('index add', table=table, columns=list(columns))['name']}.")


@index.command()
@click.argument("name")
@click.pass_obj
def drop(call: Call, name: str) -> None:
    """Drop an index that was added by hand."""
    call("index drop", name=name)
    click.echo(f"Dropped {name}.")


@database.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be archived.")
@click.pass_obj
def archive(call: Call, *, dry_run: bool) -> None:
    """Archive months that ended long ago, and drop them."""
    found = call("archive", dry_run=dry_run)
    verb = "Would archive" if dry_run else "Archived"
    click.echo(f"{verb} {found['rows']:,} rows in {found['archives']:,} archives.")
    if found["months"]:
        click.echo(f"Dropped: {', '.join(found['months'])}")
    if found["left"]:
        click.echo(f"Still there: {', '.join(found['left'])}")


@database.command()
@click.argument("tenant")
@click.argument("month", type=click.DateTime(["%Y-%m"]))
@click.pass_obj
def restore(call: Call, tenant: str, month: Any) -> None:
    """Bring TENANT's archived MONTH (2025-01) back for thirty days."""
    found = call("restore", tenant=tenant, month=f"{month:%Y-%m-%d}")
    click.echo(f"Restored {found['rows']:,} rows.")


@database.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.pass_obj
def retention(call: Call, *, dry_run: bool) -> None:
    """Delete what is past its time."""
    found = call("retention", dry_run=dry_run)
    verb = "Would delete" if dry_run else "Deleted"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found["deleted"].items())
    click.echo(f"{verb} {kinds}, {found['archives']:,} archives.")
    for tenant in found["held"]:
        click.echo(f"Under a legal hold: {tenant}")


@database.command()
@click.argument("tenant")
@click.option("--keep-days", type=int, required=True)
@click.option("--hold-until", type=click.DateTime(["%Y-%m-%d"]), help="The last day of a legal hold; none without it.")
@click.pass_obj
def keep(call: Call, tenant: str, keep_days: int, hold_until: Any) -> None:
    """Set how long TENANT's record is kept."""
    found = call(
        "retention set",
        tenant=tenant,
        keep_days=keep_days,
        hold_until=f"{hold_until:%Y-%m-%d}" if hold_until else None,
    )
    hold = f", and everything until {found['hold_until']}" if found["hold_until"] else ""
    click.echo(f"{tenant} is kept for {found['keep_days']} days{hold}.")


@database.command("delete-tenant")
@click.argument("tenant")
@click.confirmation_option(prompt="Everything of this tenant will be deleted for ever. Go on?")
@click.pass_obj
def delete_tenant(call: Call, tenant: str) -> None:
    """Delete all of TENANT's record, archives and audit chain; a tombstone stays in the deployment's chain."""
    found = call("delete tenant", tenant=tenant)
    rest = "." if found["is_finished"] else "; the night goes on with the rest."
    click.echo(f"Deleted {sum(found['deleted'].values()):,} rows and {found['objects']:,} objects{rest}")


def _size(count: float) -> str:
    power = 0
    while count >= _STEP and power < len(_UNITS) - 1:
        count, power = count / _STEP, power + 1
    return f"{count:.1f} {_UNITS[power]}" if power else f"{count:.0f} {_UNITS[power]}"
