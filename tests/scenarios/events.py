"""The messages that webhooks leave, and when they come."""

from dataclasses import replace
from datetime import UTC, datetime

from codereview.domain.envelope import Envelope, Trigger

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
HEAD_A, HEAD_B = "a" * 40, "b" * 40


def pull_request_event(head: str = HEAD_A, *, action: str = "opened") -> Envelope:
    """Make the message that a `pull_request` webhook leaves."""
    return Envelope(
        delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958",
        event="pull_request",
        action=action,
        host="github.com",
        installation_id=5,
        owner_id=1,
        trigger=Trigger.PULL_REQUEST,
        repository_id=2,
        number=3,
        head_sha=head,
        sender_id=7,
        received_at=NOW.isoformat(),
    )


def command_event(sender_id: int = 7, *, comment: int = 99) -> Envelope:
    """Make the message that `/review` leaves."""
    return replace(
        pull_request_event(),
        event="issue_comment",
        action="created",
        trigger=Trigger.COMMAND,
        head_sha=None,
        trigger_id=comment,
        command="review",
        sender_id=sender_id,
    )
