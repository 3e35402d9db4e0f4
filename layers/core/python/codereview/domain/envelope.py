"""The message between the webhook and the reviewer: ids only, about a kilobyte."""

from dataclasses import dataclass
from enum import StrEnum

ENVELOPE_VERSION = 1


class Trigger(StrEnum):
    """What asks for work on a pull request."""

    PULL_REQUEST = "pull_request"  # opened, reopened, ready for review, pushed to; also closed and drafted, to end work
    COMMAND = "comment"  # a command in an issue comment or review comment
    RERUN = "check_run"  # the check, or its suite, was re-requested
    REQUEST = "request"  # through the API, by somebody whose rights were checked there
    INSTALLATION = "installation"  # the App was installed, removed, suspended; its repositories changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One accepted delivery. Nothing in it is proven but that GitHub signed it: names and texts stay with GitHub.

    `owner_id` is the account that the payload names as the repository's owner; the reviewer proves it before it
    becomes a tenant. `trigger_id` is the id of the comment, check run or request that asked, None for `pull_request`.
    """

    delivery: str  # X-GitHub-Delivery, a GUID
    event: str  # X-GitHub-Event
    action: str
    host: str  # "github.com" or the GHES host
    installation_id: int
    owner_id: int
    trigger: Trigger
    repository_id: int | None = None  # None on installation events
    number: int | None = None  # of the pull request
    head_sha: str | None = None
    trigger_id: int | None = None
    command: str | None = None  # canonical form, "review", "review full", …
    sender_id: int | None = None
    received_at: str = ""  # RFC 3339, UTC
    review_id: str | None = None  # the review that was begun for it, on messages that are sent again
    version: int = ENVELOPE_VERSION

    @property
    def is_automatic(self) -> bool:
        """Whether it asks for no more than that the pull request's head is reviewed, whichever that is by now."""
        return self.trigger is Trigger.PULL_REQUEST and self.action != "edited"
