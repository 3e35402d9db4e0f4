"""The ways in which work can fail, by what the caller should do about it."""

from datetime import datetime, timedelta


class CodeReviewError(Exception):
    """Anything this package raises on purpose."""


class RetryableError(CodeReviewError):
    """The same call may succeed later; the message is kept and comes back after `retry_after`."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        """Keep the reason, and how long to wait; `None` leaves the wait to the queue."""
        super().__init__(message)
        self.retry_after = retry_after


class ThrottledError(RetryableError):
    """Somebody's limit was hit; waiting is the whole cure."""


class BusyError(RetryableError):
    """Another worker is at it; the message comes back when that one must have ended."""


class HeldError(RetryableError):
    """Nothing is broken, it is only not the time: somebody paused it, many want it, or GitHub needs a moment.

    `retry_after` is when to look again, no promise.
    """

    def __init__(
        self, message: str, *, retry_after: timedelta | None = None, ends: datetime | str | None = None
    ) -> None:
        """Keep what people are told of its end, a moment or in words what has to happen; `None` where nobody knows."""
        super().__init__(message, retry_after=retry_after)
        self.ends = ends


class DeploymentError(RetryableError):
    """Our own deployment refuses: a role, a key or a table is not as it must be; all waits until that is mended."""


class MissingRightError(DeploymentError):
    """A role, or whoever holds the credentials, may not do it; the message names the right."""


class UnknownOutcomeError(RetryableError):
    """A write was sent and no answer came back: it may or may not have happened. Look before you repeat it."""


class PermanentError(CodeReviewError):
    """The same call will fail for ever; acknowledged, and stored on the review."""


class NotFoundError(PermanentError):
    """The thing does not exist, or not for us."""


class ForbiddenError(PermanentError):
    """We are not allowed: a suspended installation, a missing permission, a revoked key."""


class RejectedError(PermanentError):
    """The other side read the request and refuses its content (GitHub: 422)."""


class TooLargeError(PermanentError):
    """The answer is longer than we are willing to read, and will be the next time."""


class StaleVersionError(PermanentError):
    """Somebody changed the thing since the caller read it; read again and decide again."""


class ConflictError(PermanentError):
    """The thing is not in a state that allows this: it exists already, or it is the last of its kind."""


class UserError(PermanentError):
    """The pull request's author can mend it; said on the pull request."""


class ConfigurationError(CodeReviewError):
    """The deployment is not set up; nothing may be served until it is."""


class LostLeaseError(CodeReviewError):
    """Another worker owns the pull request now; whatever this one still wants to write is void."""
