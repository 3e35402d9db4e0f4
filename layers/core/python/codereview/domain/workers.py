"""What works off a queue, as operators turn it up, down, on and off."""

from dataclasses import dataclass, replace
from enum import StrEnum

from codereview.errors import ConflictError, RejectedError

# https://docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html
LEAST_CONCURRENCY, MOST_CONCURRENCY = 2, 1000
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
LEAST_MEMORY_MB, MOST_MEMORY_MB = 128, 10_240


class WorkerKind(StrEnum):
    """Whose work it is."""

    REVIEW = "review"
    RECORD = "record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """The function that takes from a queue, and how much at once."""

    function: str
    version: str  # that the alias leads to
    memory_mb: int
    is_enabled: bool  # whether anything is taken from the queue
    state: str  # of the event source mapping, in Lambda's own words
    concurrency: int | None  # None: as many as the account allows
    told: int | None  # how many the code believes there are, where it divides them among tenants


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingNote:
    """What an operator scaled away from, so that it can be put back; kept until that happens."""

    kind: WorkerKind
    original: int | None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersChange:
    """A change of workers: how they are, and how they shall be."""

    action: str
    before: Workers
    after: Workers

    @property
    def is_needed(self) -> bool:
        """Whether it changes anything."""
        return self.before != self.after


def scaled(workers: Workers, count: int) -> WorkersChange:
    """Let `count` work at once."""
    if not LEAST_CONCURRENCY <= count <= MOST_CONCURRENCY:
        raise RejectedError(f"Lambda takes {LEAST_CONCURRENCY} to {MOST_CONCURRENCY} workers, not {count}")
    told = count if workers.told is not None else None
    return WorkersChange(action="scale", before=workers, after=replace(workers, concurrency=count, told=told))


def restored(workers: Workers, note: ScalingNote | None) -> WorkersChange:
    """Put back how many worked before they were scaled; raises ConflictError where they were not."""
    if note is None:
        raise ConflictError("nothing to restore: the workers were not scaled since the last restore")
    told = note.original if workers.told is not None and note.original is not None else workers.told
    return WorkersChange(action="restore", before=workers, after=replace(workers, concurrency=note.original, told=told))


def switched(workers: Workers, *, is_enabled: bool) -> WorkersChange:
    """Pause or resume; messages wait in the queue meanwhile, for four days."""
    action = "resume" if is_enabled else "pause"
    return WorkersChange(action=action, before=workers, after=replace(workers, is_enabled=is_enabled))


def resized(workers: Workers, memory_mb: int) -> WorkersChange:
    """Give each worker this much memory, and with it this much of a processor."""
    if not LEAST_MEMORY_MB <= memory_mb <= MOST_MEMORY_MB:
        raise RejectedError(f"Lambda takes {LEAST_MEMORY_MB} to {MOST_MEMORY_MB} MB, not {memory_mb}")
    return WorkersChange(action="resize", before=workers, after=replace(workers, memory_mb=memory_mb))
