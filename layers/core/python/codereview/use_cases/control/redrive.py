"""Dead letters: what they were, why they failed, and moving them back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from codereview.control_ports import AuditOutbox, WatchedQueue
from codereview.domain.control.audit import Request, audited
from codereview.domain.control.audit_codec import decode_audit
from codereview.domain.control.queues import DeadLetter, MoveStatus, RawLetter
from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.envelope_codec import decode
from codereview.domain.review import ReviewKey, tenant_of
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
    """Says of each letter whose it is and why it failed, as far as the letter and its review tell."""

    store: ReviewStore

    def __call__(self, letters: Sequence[RawLetter]) -> tuple[DeadLetter, ...]:
        """Read letters of either queue; one that is no message of ours says so."""
        return tuple(self._read(letter) for letter in letters)

    def _read(self, letter: RawLetter) -> DeadLetter:
        key, problem = _key_of(letter.body)
        if key is None:
            return DeadLetter(id=letter.id, sent_at=letter.sent_at, attempts=letter.attempts, reason=problem)
        tenant, repository_id, number, review_id = key
        item = self.store.load(review_id) if review_id else None
        return DeadLetter(
            id=letter.id,
            sent_at=letter.sent_at,
            attempts=letter.attempts,
            tenant=tenant,
            repository_id=repository_id,
            number=number,
            review_id=review_id,
            reason=(item.last_error or item.reason) if item else None,
        )


type _Key = tuple[str | None, int | None, int | None, UUID | None]


def _key_of(body: str) -> tuple[_Key | None, str | None]:
    """Read what a message is about, or why it is none."""
    problems = list[str]()
    for read in (_of_envelope, _of_record, _of_audit):
        try:
            return read(body), None
        except PermanentError as error:
            problems.append(str(error))
    return None, f"no message of ours: {problems[0]}"


def _of_envelope(body: str) -> _Key:
    envelope = decode(body)
    tenant = tenant_of(envelope.host, envelope.owner_id)
    return tenant, envelope.repository_id, envelope.number, _review_id(envelope)


def _review_id(envelope: Envelope) -> UUID | None:
    """Return the review that the message is about, where that does not depend on what GitHub says now."""
    if envelope.review_id is not None:
        return UUID(envelope.review_id)
    asked = (envelope.repository_id, envelope.number, envelope.head_sha)
    if envelope.trigger is not Trigger.PULL_REQUEST or envelope.action == "edited" or None in asked:
        return None
    key = ReviewKey(
        tenant=tenant_of(envelope.host, envelope.owner_id),
        repository_id=envelope.repository_id or 0,
        number=envelope.number or 0,
        head_sha=envelope.head_sha or "",
    )
    return key.review_id


def _of_record(body: str) -> _Key:
    key = decode_recorded(body).key
    return key.tenant, key.repository_id, key.number, key.review_id


def _of_audit(body: str) -> _Key:
    return decode_audit(body).tenant, None, None, None
