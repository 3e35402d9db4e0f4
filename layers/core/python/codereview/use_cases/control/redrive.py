"""Dead letters: what they were, why they failed, and moving them back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from codereview import messages
from codereview.control_ports import AuditOutbox, WatchedQueue
from codereview.domain.asked import asked_review_id
from codereview.domain.control.audit import Request, audited
from codereview.domain.control.audit_codec import decode_audit
from codereview.domain.control.queues import DeadLetter, MoveStatus, RawLetter
from codereview.domain.envelope_codec import decode
from codereview.domain.review import tenant_of
from codereview.domain.stored import decode_recorded
from codereview.errors import ConflictError, PermanentError
from codereview.ports import ReviewStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive:
    """What an operator does with the dead letters of one queue; the audit entry is stored before the queue is told."""

    queue: WatchedQueue
    outbox: AuditOutbox

    def start(self, *, messages_per_second: int, request: Request) -> None:
        """Move all letters back; raises ConflictError while a move runs."""
        if self._is_moving():
            raise ConflictError("dead letters are being moved already")
        after = {"messages_per_second": messages_per_second}
        self.outbox.put(
            audited(request, tenant=None, action="redrive.start", target=f"queue/{self.queue.name}", after=after)
        )
        self.queue.move(messages_per_second=messages_per_second)

    def cancel(self, *, request: Request) -> None:
        """Stop the move; what is back already stays there. Raises ConflictError if none runs."""
        if not self._is_moving():
            raise ConflictError("no dead letters are being moved")
        self.outbox.put(audited(request, tenant=None, action="redrive.cancel", target=f"queue/{self.queue.name}"))
        self.queue.stop()

    def _is_moving(self) -> bool:
        return any(task.status in (MoveStatus.RUNNING, MoveStatus.CANCELLING) for task in self.queue.moves())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDeadLetters:
    """Says of each letter whose it is and why it failed, as far as the letter and its review tell.

    A review knows what its reviewer failed of. What the recorder failed of is in its log only: it has no right to the
    control table, and should get none for this.
    """

    store: ReviewStore

    def __call__(self, letters: Sequence[RawLetter]) -> tuple[DeadLetter, ...]:
        """Read letters of either queue; one that is no message of ours says so."""
        return tuple(self._read(letter) for letter in letters)

    def _read(self, letter: RawLetter) -> DeadLetter:
        about = _about(letter.body)
        item = self.store.load(about.review_id) if about.is_reviewers and about.review_id is not None else None
        return DeadLetter(
            id=letter.id,
            sent_at=letter.sent_at,
            attempts=letter.attempts,
            tenant=about.tenant,
            repository_id=about.repository_id,
            number=about.number,
            review_id=about.review_id,
            reason=(item.last_error or item.reason) if item else about.reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """What a message is about; `reason` is what can be said where no review tells why it failed."""

    tenant: str | None = None
    repository_id: int | None = None
    number: int | None = None
    review_id: UUID | None = None
    is_reviewers: bool = False
    reason: str | None = None


def _about(body: str) -> _About:
    problems = list[str]()
    for read in (_of_envelope, _of_record, _of_audit):
        try:
            return read(body)
        except PermanentError as error:
            problems.append(str(error))
    return _About(reason=f"no message of ours: {problems[0]}")


def _of_envelope(body: str) -> _About:
    envelope = decode(body)
    return _About(
        tenant=tenant_of(envelope.host, envelope.owner_id),
        repository_id=envelope.repository_id,
        number=envelope.number,
        review_id=asked_review_id(envelope),
        is_reviewers=True,
        reason=f"it broke off before a review was begun: see delivery {envelope.delivery} in the reviewer's log",
    )


def _of_record(body: str) -> _About:
    key = decode_recorded(body).key
    return _About(
        tenant=key.tenant,
        repository_id=key.repository_id,
        number=key.number,
        review_id=key.review_id,
        reason=messages.RECORDER_SAYS_WHY,
    )


def _of_audit(body: str) -> _About:
    return _About(tenant=decode_audit(body).tenant, reason=messages.RECORDER_SAYS_WHY)
