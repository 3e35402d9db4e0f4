"""Which review a message asks for, as far as that does not depend on what GitHub says now."""

from uuid import UUID

from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.review import AUTOMATIC, ReviewKey, tenant_of


def asked_review_id(envelope: Envelope) -> UUID | None:
    """Return the review's id: by the message's own word, or by what it names."""
    if envelope.review_id is not None:
        return UUID(envelope.review_id)
    key = asked_review(envelope)
    return key.review_id if key is not None else None


def asked_review(envelope: Envelope) -> ReviewKey | None:
    """Return the whole key; None where its head or its kind is only known once GitHub is asked.

    A command is for whatever head there is by then, and an edited pull request for its base branch of then. A message
    that was sent again names its review, which the key has to be the one of.
    """
    repository_id, number, head_sha = envelope.repository_id, envelope.number, envelope.head_sha
    if repository_id is None or number is None or head_sha is None:
        return None
    if envelope.review_id is None and not envelope.is_automatic:
        return None
    key = ReviewKey(
        tenant=tenant_of(envelope.host, envelope.owner_id),
        repository_id=repository_id,
        number=number,
        head_sha=head_sha,
        kind=AUTOMATIC if envelope.trigger is Trigger.PULL_REQUEST else f"{envelope.trigger}:{envelope.trigger_id}",
    )
    return key if envelope.review_id in (None, str(key.review_id)) else None
