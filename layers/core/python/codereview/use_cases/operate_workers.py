"""Turns workers up, down, on and off; every change is in the audit log before it is made."""

from dataclasses import dataclass
from typing import Protocol

from codereview.control_ports import AuditOutbox
from codereview.domain.control.audit import AuditEntry, AuditOutcome, Request, audited
from codereview.domain.control.describing import described
from codereview.domain.workers import (
    ScalingNote,
    WorkerKind,
    Workers,
    WorkersChange,
    resized,
    restored,
    scaled,
    switched,
)
from codereview.errors import CodeReviewError


class WorkerPool(Protocol):
    """The workers of one queue."""

    def read(self) -> Workers:
        """Say how they are."""
        ...

    def set_concurrency(self, count: int | None) -> None:
        """Let so many work at once."""
        ...

    def set_enabled(self, *, is_enabled: bool) -> None:
        """Begin or stop taking from the queue; what is being worked at goes on."""
        ...

    def set_memory(self, memory_mb: int) -> None:
        """Publish a version with so much memory, and lead the alias there."""
        ...


class ScalingNotes(Protocol):
    """What was scaled away from."""

    def load(self, kind: WorkerKind) -> ScalingNote | None:
        """Read the note, strongly consistent."""
        ...

    def save(self, note: ScalingNote, *, audit: AuditEntry) -> None:
        """Write it down, together with the entry."""
        ...

    def remove(self, note: ScalingNote, *, audit: AuditEntry) -> None:
        """Take it back, together with the entry."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OperateWorkers:
    """An operator's hands on the workers of one queue. Each change is first only said; `apply` makes it."""

    kind: WorkerKind
    pool: WorkerPool
    notes: ScalingNotes
    outbox: AuditOutbox

    def status(self) -> tuple[Workers, ScalingNote | None]:
        """Say how they are, and what they were scaled away from."""
        return self.pool.read(), self.notes.load(self.kind)

    def scale(self, count: int) -> WorkersChange:
        """Let so many work at once."""
        return scaled(self.pool.read(), count)

    def restore(self) -> WorkersChange:
        """Put back how many worked before; raises ConflictError where they were not scaled."""
        return restored(self.pool.read(), self.notes.load(self.kind))

    def pause(self) -> WorkersChange:
        """Take nothing from the queue."""
        return switched(self.pool.read(), is_enabled=False)

    def resume(self) -> WorkersChange:
        """Take from the queue again."""
        return switched(self.pool.read(), is_enabled=True)

    def resize(self, memory_mb: int) -> WorkersChange:
        """Give each worker this much memory."""
        return resized(self.pool.read(), memory_mb)

    def apply(self, change: WorkersChange, *, request: Request) -> Workers:
        """Make a change and say how the workers are then; what fails is audited as refused, and can be made again."""
        self._note(change, self._entry(change, request, AuditOutcome.DONE))
        try:
            self._change(change)
        except CodeReviewError:
            self.outbox.put(self._entry(change, request, AuditOutcome.REFUSED))
            raise
        if change.action == "restore":
            self._forget(request)
        return self.pool.read()

    def _note(self, change: WorkersChange, audit: AuditEntry) -> None:
        """Write down the first number that was scaled away from; later ones are nobody's original."""
        if change.action == "scale" and self.notes.load(self.kind) is None:
            note = ScalingNote(kind=self.kind, original=change.before.concurrency)
            self.notes.save(note, audit=audit)
        else:
            self.outbox.put(audit)

    def _forget(self, request: Request) -> None:
        note = self.notes.load(self.kind)
        if note is not None:  # None: another operator restored at the same time
            entry = audited(request, tenant=None, action="workers.forget", target=self._target, before=described(note))
            self.notes.remove(note, audit=entry)

    def _change(self, change: WorkersChange) -> None:
        before, after = change.before, change.after
        if (before.concurrency, before.told) != (after.concurrency, after.told):
            self.pool.set_concurrency(after.concurrency)
        if before.is_enabled != after.is_enabled:
            self.pool.set_enabled(is_enabled=after.is_enabled)
        if before.memory_mb != after.memory_mb:
            self.pool.set_memory(after.memory_mb)

    @property
    def _target(self) -> str:
        return f"workers/{self.kind.value}"

    def _entry(self, change: WorkersChange, request: Request, outcome: AuditOutcome) -> AuditEntry:
        return audited(
            request,
            tenant=None,
            action=f"workers.{change.action}",
            target=self._target,
            before=described(change.before),
            after=described(change.after),
            outcome=outcome,
        )
