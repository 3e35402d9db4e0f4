"""Moves dead letters back by SQS's own task, with growing pauses, and ends what that did not help."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.domain.control.queues import RawLetter
from codereview.domain.reconciling import DeadLetters, decide_move
from codereview.errors import RetryableError
from codereview.ports import Clock, DeadLetterQueue, Jobs, JobState

_EVERY = timedelta(minutes=15)
_AT_ONCE = 10  # letters, which is what SQS hands out at most
_ENDING_TIME = timedelta(seconds=20)  # of a run, which has other jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Revived:
    """What one run found and did: `ended` reviews have failed for good, as nothing is moved any more."""

    letters: int
    is_moved: bool
    generation: int
    is_given_up: bool = False
    ended: int = 0


def _nothing(_letter: RawLetter, _moved_at: datetime) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviveDeadLetters:
    """The job over one dead-letter queue.

    A start that is repeated after a death is refused by SQS, which runs one move at a time. `end` is what is done with
    each letter that is not moved any more, and says whether something was; all of it may be done twice.
    """

    clock: Clock
    jobs: Jobs
    queue: DeadLetterQueue
    end: Callable[[RawLetter, datetime], bool] = _nothing

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
            seen_at=state.seen_at,
        )
        decision = decide_move(letters, now=now)
        if decision.is_due:
            self.queue.move()
        ended = self._end_all(state.since or now) if decision.is_given_up else 0
        after = JobState(
            since=now if decision.is_due else state.since,
            generation=decision.generation,
            seen_at=now if letters.count or letters.is_moving else state.seen_at,
        )
        if after != state:
            self.jobs.finish(name, after)
        return Revived(
            letters=letters.count,
            is_moved=decision.is_due,
            generation=decision.generation,
            is_given_up=decision.is_given_up,
            ended=ended,
        )

    def _end_all(self, moved_at: datetime) -> int:
        """Go through the letters once, or as far as the time allows: the next run meets those that are left."""
        known, ended, ends_at = set[str](), 0, self.clock.now() + _ENDING_TIME
        while True:
            letters = [letter for letter in self.queue.letters(limit=_AT_ONCE) if letter.id not in known]
            if not letters:
                return ended
            for letter in letters:
                if self.clock.now() >= ends_at:
                    return ended
                known.add(letter.id)
                try:
                    ended += self.end(letter, moved_at)
                except RetryableError:
                    continue  # the next run tries again
