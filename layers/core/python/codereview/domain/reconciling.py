"""What the reconciler does next, decided from what it found; pure, so that each rule is a table of cases."""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

# The review queue's, which no other queue's exceed; `tests/infra/template` holds the template to them.
VISIBILITY = timedelta(minutes=30)
MAX_RECEIVES = 5

# A message that was sent again may stand in a long queue. As long as its review is not claimed it is sent once more
# after this time: an earlier copy has had its turn by then.
RESEND_AFTER = VISIBILITY

# Of so many entries of a tenant one is a held message, as long as there are any; the others are reviews.
_FOR_EACH_HELD = 4

FIRST_MOVE_PAUSE = timedelta(minutes=15)
LONGEST_MOVE_PAUSE = timedelta(days=1)

# With the pauses between them so many moves take four days, of the fourteen that a letter is kept.
MAX_MOVES = 10

# Poison that was moved back is away for so long. That the queue is empty meanwhile says nothing; once it has been for
# longer than that and a day in which other work may stand before it, what comes next is something new.
POISON_ROUND = MAX_RECEIVES * VISIBILITY
_QUIET = POISON_ROUND + LONGEST_MOVE_PAUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An entry of the index of waiting work, as it was read; `is_held` tells messages from reviews.

    `has_begun` where a message is held whose review has begun, and which goes with the reviews.
    """

    id: str
    tenant: str
    due_at: datetime
    is_held: bool
    has_begun: bool = False

    @property
    def is_in_held_lane(self) -> bool:
        """Whether it goes behind what has begun."""
        return self.is_held and not self.has_begun


def fair_order(entries: Iterable[Due], *, most: int | None = None) -> list[Due]:
    """Take turns between tenants, each one's longest due first: who has one entry never waits for who has thousands.

    Of each tenant at most `most` entries are taken. Its reviews and its held messages are lanes of their own, so that
    no review waits behind a crowd of messages whose reviews have not begun.
    """
    lanes: dict[str, tuple[deque[Due], deque[Due]]] = defaultdict(lambda: (deque(), deque()))
    for entry in sorted(entries, key=lambda entry: (entry.due_at, entry.id)):
        lanes[entry.tenant][entry.is_in_held_lane].append(entry)
    turns, ordered = deque(deque(_merged(*both)[:most]) for both in lanes.values()), list[Due]()
    while turns:
        queue = turns.popleft()
        ordered.append(queue.popleft())
        if queue:
            turns.append(queue)
    return ordered


def _merged(reviews: deque[Due], held: deque[Due]) -> list[Due]:
    """Let three reviews go for each held message, wherever the run is cut off; what one lane leaves the other takes."""
    merged = list[Due]()
    while reviews or held:
        is_helds_turn = len(merged) % _FOR_EACH_HELD == 1  # the second already: a run may have time for no more
        lane = held if not reviews or (held and is_helds_turn) else reviews
        merged.append(lane.popleft())
    return merged


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """A dead-letter queue as it was found, and what we did to it before.

    `generation` counts the moves since it had last been empty for good; `seen_at` is when it was last found not empty.
    """

    count: int
    is_moving: bool
    generation: int
    moved_at: datetime | None
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveDecision:
    """Whether to start moving the letters back, and the generation to remember; `is_given_up`: not by ourselves."""

    is_due: bool
    generation: int
    is_given_up: bool = False


def decide_move(letters: DeadLetters, *, now: datetime) -> MoveDecision:
    """Move dead letters back with growing pauses, and at last not any more.

    An outage heals by itself; poison comes round ever less often, and ends.
    """
    stays = MoveDecision(is_due=False, generation=letters.generation)
    if letters.is_moving:
        return stays
    if letters.count == 0:
        last = max((moment for moment in (letters.moved_at, letters.seen_at) if moment is not None), default=None)
        is_quiet = last is None or now - last > _QUIET
        return MoveDecision(is_due=False, generation=0) if is_quiet else stays
    if letters.generation >= MAX_MOVES:
        return MoveDecision(is_due=False, generation=letters.generation, is_given_up=True)
    pause = min(FIRST_MOVE_PAUSE * 2**letters.generation, LONGEST_MOVE_PAUSE)
    is_due = letters.moved_at is None or letters.moved_at + pause <= now
    return MoveDecision(is_due=True, generation=letters.generation + 1) if is_due else stays
