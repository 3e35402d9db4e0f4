"""The schedule's every minute as runs of the reconciler's jobs; one job's trouble is not the others'."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.domain.metrics import Metric, embedded
from codereview.domain.raising import raised_at
from codereview.errors import CodeReviewError
from codereview.ports import Clock
from codereview.use_cases.reconcile.redeliver import Redelivered
from codereview.use_cases.reconcile.release_due import Released
from codereview.use_cases.reconcile.revive import Revived
from codereview.use_cases.reconcile.sweep_heads import Swept

# Left for the log and the metrics.
_RESERVE = timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedJob:
    """A job; it returns None when it was not time for it."""

    name: str
    run: Callable[[datetime], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcilerApp:
    """Everything that the reconciler function holds between two calls."""

    clock: Clock
    jobs: Sequence[NamedJob]
    logger: Logger

    def run(self, context: LambdaContext) -> dict[str, str]:
        """Run every job that is due; a bug in one is raised after the others had their turn.

        `JobsFailed` is the dead man's metric, written by each run: an alarm looks at its absence too. One for all jobs,
        since what is written every minute is paid for all month; the lines name the job.
        """
        deadline = self.clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis()) - _RESERVE
        outcomes, bugs = dict[str, str](), list[Exception]()
        for job in self.jobs:
            try:
                outcome = job.run(deadline)
            except CodeReviewError as error:
                self.logger.warning("Did not work this time", job=job.name, reason=str(error))
                outcomes[job.name] = "failed"
            except Exception as error:
                self.logger.exception("Unforeseen", job=job.name, raised_at=raised_at(error))
                bugs.append(error)
            else:
                outcomes[job.name] = "not due" if outcome is None else "done"
                if outcome is not None:
                    found = embedded(found_by(outcome), at=self.clock.now())
                    self.logger.info("Done", job=job.name, outcome=outcome, **found)
        failed = list(outcomes.values()).count("failed") + len(bugs)
        self.logger.info("Run", outcomes=outcomes, **embedded({Metric.JOBS_FAILED: failed}, at=self.clock.now()))
        if bugs:
            raise bugs[0]
        return outcomes


def found_by(outcome: object) -> Mapping[Metric, float]:
    """Count what should not have been there to find; nothing where there was nothing."""
    match outcome:
        case Redelivered():
            found = {Metric.DELIVERIES_MISSED: outcome.missing}
        case Revived():
            found = {Metric.DEAD_LETTERS: outcome.letters}
        case Swept():
            found = {Metric.HEADS_MISSED: outcome.sent}
        case Released():
            found = {Metric.WAITING_LEFT: outcome.left}
        case _:
            found = {}
    return {metric: count for metric, count in found.items() if count}
