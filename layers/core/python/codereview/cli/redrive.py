"""`codereview redrive`: dead letters back to where they came from, by SQS's own task."""

import click

from codereview.cli.control.api import Document
from codereview.cli.control.connection import Control, confirmed, past_api, yes_option
from codereview.cli.control.output import Output
from codereview.cli.stacks import json_option, reached, stack_option

_MOVES = (("STATUS", "status"), ("STARTED", "started_at"), ("MOVED", "moved"), ("TO MOVE", "to_move"))
_QUEUES = {"review": "reviews", "record": "records"}


@click.command()
@click.option("--queue", type=click.Choice(list(_QUEUES)), required=True, help="Whose dead letters.")
@click.option("--rate", type=click.IntRange(1, 500), default=20, show_default=True, help="Messages a second.")
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
@click.option("--list", "is_list", is_flag=True, help="Show the latest moves, as SQS tells of them.")
@click.option("--cancel", "is_cancel", is_flag=True, help="Stop the move that runs; what is back stays there.")
@stack_option
@json_option
@yes_option
def redrive(
    queue: str,
    rate: int,
    stack: str | None,
    *,
    dry_run: bool,
    is_list: bool,
    is_cancel: bool,
    as_json: bool,
    yes: bool,
) -> None:
    """Move all dead letters of a queue back to it."""
    if sum((dry_run, is_list, is_cancel)) > 1:
        raise click.UsageError("--dry-run, --list and --cancel exclude each other")
    control = Control(api=past_api(reached(stack)), out=Output(as_json=as_json), tenant_option=None, address=None)
    path = {"queue": _QUEUES[queue]}
    if dry_run:
        control.out.document(_plan(control, path, rate))
        return
    if is_list:
        moves = control.call("redrive.list", path).document
    elif is_cancel:
        moves = control.call("redrive.cancel", path).document
    else:
        confirmed(f"Move all dead letters of the {queue} queue back, {rate} a second?", yes=yes)
        moves = control.call("redrive.start", path, {"messages_per_second": rate}).document
    control.out.rows(moves, _MOVES)


def _plan(control: Control, path: dict[str, str], rate: int) -> Document:
    """Say what a move would do, by what SQS says now."""
    depths = control.call("queues.list", {}).document["items"]
    (count,) = (depth["dead_letters"] for depth in depths if depth["name"] == path["queue"])
    moves = control.call("redrive.list", path).document["items"]
    return {
        "would_move": count,
        "messages_per_second": rate,
        "seconds": -(-count // rate),
        "is_moving_already": any(move["status"] in ("running", "cancelling") for move in moves),
        "some_of_them": control.call("dead_letters.list", path).document["items"],
    }
