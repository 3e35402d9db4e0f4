"""`codereview releases`: what was deployed, what runs, and the way back."""

# ruff: noqa: PLC0415 -- what reaches AWS imports much, and `--help` waits for none of it

import dataclasses
import re

import click

from codereview.cli.control.api import Document
from codereview.cli.control.connection import confirmed, yes_option
from codereview.cli.control.output import Output
from codereview.cli.stacks import json_option, reached, stack_option
from codereview.domain.deployments import Deployed
from codereview.errors import UserError

_COLUMNS = (("RELEASE", "number"), ("AT", "at"), ("BY", "by"), ("COMMIT", "commit"), ("LIVE", "is_live"))
_COMMIT = re.compile(r"[0-9a-f]{7,64}(-dirty)?")
_MOVES = (("FUNCTION", "function"), ("FROM", "before"), ("TO", "after"))


@click.group()
def releases() -> None:
    """What was deployed when: list, record, rollback."""


@releases.command("list")
@stack_option
@json_option
def list_releases(stack: str | None, *, as_json: bool) -> None:
    """List the latest releases, and which of them runs."""
    from codereview.bootstrap.releases import operate_releases

    entries, live = operate_releases(reached(stack)).list()
    rows = [_shown(entry) | {"is_live": entry == live} for entry in entries]
    Output(as_json=as_json).rows({"items": rows, "next": None}, _COLUMNS)


@releases.command()
@click.option("--commit", default="", help="What it was built from, as `git describe` names it.")
@stack_option
@json_option
def record(commit: str, stack: str | None, *, as_json: bool) -> None:
    """Note what runs now as a release; `make deploy` does it after each deploy that went well."""
    from codereview.bootstrap.account import request
    from codereview.bootstrap.releases import operate_releases

    if commit and not _COMMIT.fullmatch(commit):
        raise UserError(f"{commit} is no commit")
    name = reached(stack)
    entry = operate_releases(name).record(request=request(), commit=commit or None)
    Output(as_json=as_json).document(_shown(entry))


@releases.command()
@click.option("--to", type=click.IntRange(1), help="A release's number; left out: the one before what runs.")
@click.option("--dry-run", is_flag=True, help="Only print what would be moved.")
@stack_option
@json_option
@yes_option
def rollback(to: int | None, stack: str | None, *, dry_run: bool, as_json: bool, yes: bool) -> None:
    """Lead all aliases back to a release. The database stays as it is: the code before works with it."""
    from codereview.bootstrap.account import request
    from codereview.bootstrap.releases import operate_releases

    operate = operate_releases(reached(stack))
    entry, moves = operate.plan(to)
    out = Output(as_json=as_json)
    is_needed = bool(moves) and not dry_run
    if is_needed:
        confirmed(f"Lead {len(moves)} functions to release {entry.number} of {entry.at:%Y-%m-%d %H:%M}?", yes=yes)
        operate.roll_back(entry, moves, request=request())
    if out.is_for_programs:
        shown = [dataclasses.asdict(move) for move in moves]
        out.document({"release": entry.number, "is_made": is_needed, "moves": shown})
        return
    out.rows({"items": [dataclasses.asdict(move) for move in moves], "next": None}, _MOVES)
    out.note(f"Release {entry.number} {'runs' if is_needed or not moves else 'would run'}.")


def _shown(entry: Deployed) -> Document:
    at = entry.at.isoformat(timespec="seconds")
    return {"number": entry.number, "at": at, "by": entry.by, "commit": entry.commit, "versions": dict(entry.versions)}
