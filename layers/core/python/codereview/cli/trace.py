"""`codereview trace`: what became of a review, with times and reasons."""

import dataclasses
import re
from datetime import datetime
from typing import Any
from uuid import UUID

import click

from codereview.cli.control.output import Output
from codereview.cli.stacks import json_option, operator, stack_option
from codereview.domain.review import tenant_of
from codereview.use_cases.trace_review import HeldBack, Trace, failed_runs

_PULL = re.compile(r"https?://(?P<host>[^/]+)/(?P<owner>[^/]+)/(?P<name>[^/]+)/pull/(?P<number>\d{1,9})(?:[/?#].*)?")
_STEPS = (("WHEN", "at"), ("WHAT", "what"), ("WHY", "reason"))
_HELD = (("DUE", "due_at"), ("DELIVERY", "delivery"), ("TRIGGER", "trigger"))


@click.command()
@click.argument("review", metavar="PR_URL|REVIEW_ID")
@stack_option
@json_option
def trace(review: str, stack: str | None, *, as_json: bool) -> None:
    """Print the path of a review, or of all reviews of a pull request in the last 30 days."""
    pull, review_id = _PULL.fullmatch(review), _uuid(review)
    if pull is None and review_id is None:
        raise click.UsageError(f"{review!r} is neither a pull request's address nor a review's id")
    reached = operator(stack)
    held: tuple[HeldBack, ...] = ()
    if review_id is not None:
        traces: tuple[Trace, ...] = (reached.trace(review_id),)
    else:
        assert pull is not None  # noqa: S101 -- one of the two is not None
        place = reached.installations.locate(pull["owner"], pull["name"])
        tenant = tenant_of(reached.host, place.account_id)
        now = reached.clock.now()
        traces, held = reached.trace.of_pull_request(tenant, place.repository_id, int(pull["number"]), now=now)
    _print(traces, held, Output(as_json=as_json))


def _print(traces: tuple[Trace, ...], held: tuple[HeldBack, ...], out: Output) -> None:
    if out.is_for_programs:
        documents = [_document(trace) for trace in traces]
        out.document({"reviews": documents, "held_back": [_plain(dataclasses.asdict(one)) for one in held]})
        return
    for each in traces:
        document = _document(each)
        out.note(f"Review {document['id']} of {document['head_sha']}: {document['state']}")
        out.rows({"items": document["steps"], "next": None}, _STEPS)
        for run in failed_runs(each.runs):
            out.note(f"  {run.agent} {run.status.value}: {run.reason}")
    if held:
        out.note("Messages that are held back")
        out.rows({"items": [_plain(dataclasses.asdict(one)) for one in held], "next": None}, _HELD)
    if not traces and not held:
        out.note("No review of this pull request began in the last 30 days, and nothing is held back for it.")


def _document(trace: Trace) -> dict[str, Any]:
    item = trace.item
    document: dict[str, Any] = _plain(
        {
            "id": str(item.key.review_id),
            "tenant": item.key.tenant,
            "repository_id": item.key.repository_id,
            "number": item.key.number,
            "head_sha": item.key.head_sha,
            "kind": item.key.kind,
            "state": item.state.value,
            "reason": item.reason,
            "attempts": item.attempts,
            "strikes": item.strikes,
            "last_error": item.last_error,
            "check_run_id": item.check_run_id,
            "is_check_finished": item.is_check_finished,
            "github_review_id": item.github_review_id,
            "comments": len(item.comment_ids),
            "is_recorded": item.is_recorded,
            "due_at": item.due_at,
            "steps": [dataclasses.asdict(step) for step in trace.steps],
            "agents": [{"name": run.agent, "status": run.status.value, "reason": run.reason} for run in trace.runs],
        }
    )
    return document


def _plain(value: Any) -> Any:
    """Write moments as text."""
    match value:
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case datetime():
            return value.isoformat(timespec="seconds")
    return value


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
