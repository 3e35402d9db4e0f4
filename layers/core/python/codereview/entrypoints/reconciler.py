"""The schedule's every minute as runs of the reconciler's jobs; one job's trouble is not the others'."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from codereview.errors import CodeReviewError
from codereview.ports import Clock

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
    metrics: Metrics

    def run(self, context: LambdaContext) -> dict[str, str]:
        """Run every job that is due; a bug in one is raised after the others had their turn.

        `JobDone` is the dead man's metric: an alarm looks at its absence.
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
                self.logger.exception("Unforeseen", job=job.name)
                bugs.append(error)
            else:
                outcomes[job.name] = "not due" if outcome is None else "done"
                if outcome is not None:
                    self.logger.info("Done", job=job.name, outcome=outcome)
                    self.metrics.add_metric(name=f"{job.name}JobDone", unit=MetricUnit.Count, value=1)
        self.metrics.flush_metrics()
        if bugs:
            raise bugs[0]
        return outcomes
