"""Moves dead letters back by SQS's own task, with growing pauses; what is poison to a review ends there as failed."""

from dataclasses import dataclass
from datetime import timedelta

from codereview.domain.reconciling import DeadLetters, decide_move
from codereview.ports import Clock, DeadLetterQueue, Jobs, JobState

_EVERY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revived:
    """What one run found and did."""

    letters: int
    is_moved: bool
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviveDeadLetters:
    """The job over one dead-letter queue.

    A start that is repeated after a death is refused by SQS, which runs one move at a time.
    """

    clock: Clock
    jobs: Jobs
    queue: DeadLetterQueue

    def __call__(self) -> Revived | None:
        """Start a move if one is due; None if it is not time to look yet."""
        now, name = self.clock.now(), f"dead-letters-{self.queue.name}"
        state = self.jobs.begin(name, now=now, every=_EVERY)
        if state is None:
            return None
        letters = DeadLetters(
            count=self.queue.count(),
            is_moving=self.queue.is_moving(),
            generation=state.generation,
            moved_at=state.since,
        )
        decision = decide_move(letters, now=now)
        if decision.is_due:
            self.queue.move()
        if decision.is_due or decision.generation != state.generation:
            since = now if decision.is_due else state.since
            self.jobs.finish(name, JobState(since=since, generation=decision.generation))
        return Revived(letters=letters.count, is_moved=decision.is_due, generation=decision.generation)
