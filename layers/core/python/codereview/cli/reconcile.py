"""`codereview reconcile`: the reconciler's jobs, at once and by hand."""

from datetime import timedelta
from typing import Any

import click

from codereview.cli.control.output import Output
from codereview.cli.stacks import SPAN, json_option, operator, stack_option
from codereview.errors import CodeReviewError, UserError

_LONGEST = timedelta(days=3)  # what GitHub redelivers is no older
_LONGEST_RUN = timedelta(hours=1)


@click.command()
@click.option("--since", type=SPAN, default="3d", show_default=True, help="How far to look back at GitHub: 3d, 12h.")
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
@stack_option
@json_option
def reconcile(since: timedelta, stack: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Take up what is due, have failed deliveries repeated, move dead letters back."""
    if since > _LONGEST:
        raise click.UsageError("GitHub repeats what is at most 3d old")
    reached, acts, failures = operator(stack), list[str](), list[str]()
    out, now = Output(as_json=as_json), reached.clock.now()

    def tell(act: str) -> None:
        acts.append(act)
        if not out.is_for_programs:
            out.note(f"would {act}" if dry_run else act)

    outcomes: dict[str, Any] = {}
    for name, job in reached.jobs(now - since, tell, dry_run).items():
        try:
            outcomes[name] = str(job(now + _LONGEST_RUN))
        except CodeReviewError as error:  # one job's trouble is not the others'
            outcomes[name] = f"failed: {error}"
            failures.append(name)
    out.document({"dry_run": dry_run, "acts": acts, "outcomes": outcomes})
    if failures:
        raise UserError(f"did not work: {', '.join(failures)}")
