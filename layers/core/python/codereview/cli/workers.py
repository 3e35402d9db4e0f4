"""`codereview workers`: the functions that work off the queues, turned up, down, on and off by hand."""

# ruff: noqa: PLC0415 -- what reaches AWS imports much, and `--help` waits for none of it

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from codereview.cli.control.api import Document
from codereview.cli.control.connection import confirmed, yes_option
from codereview.cli.control.output import Output
from codereview.cli.stacks import json_option, reached, stack_option
from codereview.domain.workers import (
    LEAST_CONCURRENCY,
    LEAST_MEMORY_MB,
    MOST_CONCURRENCY,
    MOST_MEMORY_MB,
    ScalingNote,
    WorkerKind,
    Workers,
    WorkersChange,
)

if TYPE_CHECKING:
    from codereview.use_cases.operate_workers import OperateWorkers

queue_option = click.option(
    "--queue",
    type=click.Choice([kind.value for kind in WorkerKind]),
    default=WorkerKind.REVIEW.value,
    show_default=True,
    help="Whose workers: reviewers, or the recorder.",
)


@click.group()
def workers() -> None:
    """What works off the queues: status, scale, restore, pause, resume, resize. Every change is audited."""


def _changing(command: Callable[..., tuple[WorkersChange, str]]) -> Callable[..., None]:
    """Make a command of what only says a change: it is shown, asked about and made here."""

    @click.option("--dry-run", is_flag=True, help="Only print what would be done.")
    @queue_option
    @stack_option
    @json_option
    @yes_option
    @functools.wraps(command)
    def run(*, queue: str, stack: str | None, dry_run: bool, as_json: bool, yes: bool, **values: Any) -> None:
        from codereview.bootstrap.account import request
        from codereview.bootstrap.workers import operate_workers

        pool = operate_workers(reached(stack), WorkerKind(queue))
        change, question = command(pool, **values)
        out = Output(as_json=as_json)
        if dry_run or not change.is_needed:
            out.document(_plan(change, is_made=False))
            return
        confirmed(question, yes=yes)
        after = pool.apply(change, request=request())
        out.document(_plan(dataclasses.replace(change, after=after), is_made=True))

    return run


@workers.command()
@queue_option
@stack_option
@json_option
def status(queue: str, stack: str | None, *, as_json: bool) -> None:
    """Show whether they work, how many, of what size, and what they were scaled away from."""
    from codereview.bootstrap.workers import operate_workers

    found, note = operate_workers(reached(stack), WorkerKind(queue)).status()
    Output(as_json=as_json).document(_shown(found, note))


@workers.command()
@click.argument("count", type=click.IntRange(LEAST_CONCURRENCY, MOST_CONCURRENCY))
@_changing
def scale(pool: "OperateWorkers", count: int) -> tuple[WorkersChange, str]:
    """Let COUNT work at once; the number of before is kept for `restore`."""
    return pool.scale(count), f"Let {count} work at once?"


@workers.command()
@_changing
def restore(pool: "OperateWorkers") -> tuple[WorkersChange, str]:
    """Put back how many worked before the first `scale`."""
    change = pool.restore()
    return change, f"Let {change.after.concurrency} work at once again?"


@workers.command()
@_changing
def pause(pool: "OperateWorkers") -> tuple[WorkersChange, str]:
    """Take nothing from the queue. What is being worked at ends; messages wait, for four days at most."""
    return pool.pause(), "Take nothing from the queue until it is resumed?"


@workers.command()
@_changing
def resume(pool: "OperateWorkers") -> tuple[WorkersChange, str]:
    """Take from the queue again."""
    return pool.resume(), "Take from the queue again?"


@workers.command()
@click.argument("megabytes", metavar="MB", type=click.IntRange(LEAST_MEMORY_MB, MOST_MEMORY_MB))
@_changing
def resize(pool: "OperateWorkers", megabytes: int) -> tuple[WorkersChange, str]:
    """Give each worker MB of memory: publishes a version, and leads the alias there."""
    return pool.resize(megabytes), f"Publish a version with {megabytes} MB of memory, and let it work?"


def _shown(found: Workers, note: ScalingNote | None = None) -> Document:
    scaled_from = {"scaled_from": note.original} if note else {}
    return dataclasses.asdict(found) | scaled_from


def _plan(change: WorkersChange, *, is_made: bool) -> Document:
    """Show what differs, and nothing else."""
    before, after = _shown(change.before), _shown(change.after)
    changes = {name: {"before": before[name], "after": after[name]} for name in before if before[name] != after[name]}
    return {"function": change.before.function, "action": change.action, "is_made": is_made, "changes": changes}
