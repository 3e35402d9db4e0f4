"""`codereview queues`: what waits, what failed too often, and the way back."""

import time

import click

from codereview.cli.control.api import Document
from codereview.cli.control.connection import Control, confirmed, connected, yes_option

_QUEUES = (
    ("QUEUE", "name"),
    ("WAITING", "waiting"),
    ("IN FLIGHT", "in_flight"),
    ("DELAYED", "delayed"),
    ("DEAD LETTERS", "dead_letters"),
    ("OLDEST (S)", "oldest_age_seconds"),
    ("QUIET GROUPS", "waiting_in_quiet_groups"),
)
_LETTERS = (
    ("ID", "id"),
    ("SENT", "sent_at"),
    ("ATTEMPTS", "attempts"),
    ("TENANT", "tenant"),
    ("REPOSITORY", "repository_id"),
    ("PR", "number"),
    ("REASON", "reason"),
)
_MOVES = (("STATUS", "status"), ("STARTED", "started_at"), ("MOVED", "moved"), ("TO MOVE", "to_move"))
_RUNNING = {"running", "cancelling"}
_LOOK_EVERY = 2.0  # seconds
queue_argument = click.argument("queue", type=click.Choice(["reviews", "records"]))


@click.group()
def queues() -> None:
    """Queues and dead letters: list, waiting, dead-letters, redrive, moves, cancel."""


@queues.command("list")
@connected
def list_queues(control: Control) -> None:
    """Show depth, age and quiet groups of all queues."""
    control.out.rows(control.call("queues.list", {}).document, _QUEUES)


@queues.command()
@connected
def waiting(control: Control) -> None:
    """Count a tenant's own reviews that wait."""
    control.show("queues.show_waiting", {"tenant": control.tenant()})


@queues.command("dead-letters")
@queue_argument
@connected
def dead_letters(control: Control, queue: str) -> None:
    """Show dead letters with their reasons."""
    control.out.rows(control.call("dead_letters.list", {"queue": queue}).document, _LETTERS)


@queues.command()
@queue_argument
@click.option("--rate", type=click.IntRange(1, 500), default=20, show_default=True, help="Messages a second.")
@click.option("--follow", is_flag=True, help="Stay until the move has ended.")
@yes_option
@connected
def redrive(control: Control, queue: str, rate: int, *, follow: bool, yes: bool) -> None:
    """Move all dead letters back to their queue."""
    confirmed(f"Move all dead letters of {queue} back, {rate} a second?", yes=yes)
    moves = control.call("redrive.start", {"queue": queue}, {"messages_per_second": rate}).document
    while follow and _runs(moves):
        control.out.note(f"{moves['items'][0]['moved']} of {moves['items'][0]['to_move'] or '?'} moved")
        time.sleep(_LOOK_EVERY)
        moves = control.call("redrive.list", {"queue": queue}).document
    control.out.rows(moves, _MOVES)


@queues.command()
@queue_argument
@connected
def moves(control: Control, queue: str) -> None:
    """List the latest moves of dead letters back to their queue."""
    control.out.rows(control.call("redrive.list", {"queue": queue}).document, _MOVES)


@queues.command()
@queue_argument
@connected
def cancel(control: Control, queue: str) -> None:
    """Stop the move that runs; what was moved stays moved."""
    control.out.rows(control.call("redrive.cancel", {"queue": queue}).document, _MOVES)


def _runs(moves: Document) -> bool:
    return any(move["status"] in _RUNNING for move in moves["items"][:1])
