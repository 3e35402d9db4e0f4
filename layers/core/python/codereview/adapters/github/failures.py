"""GitHub's refusals in our words: the one place where its status codes are read."""

from datetime import datetime, timedelta

import httpx

from codereview.adapters.http import retry_after
from codereview.errors import (
    CodeReviewError,
    ForbiddenError,
    NotFoundError,
    PermanentError,
    RejectedError,
    RetryableError,
    ThrottledError,
    UnknownOutcomeError,
)

# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api: without a header to go by, at least a
# minute. An hour is the longest window that GitHub documents, so a larger wait is a broken header.
SHORTEST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
_SERVER_ERRORS_FROM = 500
_SAFE_METHODS = {"GET", "HEAD"}
_REFUSALS: dict[int, type[PermanentError]] = {
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    410: NotFoundError,
    422: RejectedError,
    451: ForbiddenError,
}


def failure(response: httpx.Response, *, now: datetime) -> CodeReviewError | None:
    """Say what a response means; None if it is a success."""
    if response.is_success:
        return None
    status = response.status_code
    said = f"GitHub answered {status} to {response.request.method} {response.request.url.path}: {_message(response)}"
    if status in (403, 429) and is_rate_limit(response):
        return ThrottledError(said, retry_after=wait_of(response, now=now))
    if status >= _SERVER_ERRORS_FROM:
        # A 500 to a write can hide its success: https://github.com/probot/probot/issues/921
        is_read = response.request.method in _SAFE_METHODS
        return RetryableError(said) if is_read else UnknownOutcomeError(said)
    return _REFUSALS.get(status, PermanentError)(said)


def is_rate_limit(response: httpx.Response) -> bool:
    """Whether a 403 or 429 is a limit rather than a missing permission."""
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return True
    headers = response.headers
    return (
        "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in _message(response).lower()
    )


def wait_of(response: httpx.Response, *, now: datetime) -> timedelta:
    """How long to leave GitHub alone, in the order that GitHub documents; capped, never negative."""
    wait = retry_after(response, now=now)
    if wait is None and response.headers.get("x-ratelimit-remaining") == "0":
        wait = _until_reset(response.headers.get("x-ratelimit-reset"), now=now)
    return min(wait, LONGEST_WAIT) if wait is not None and wait > timedelta() else SHORTEST_WAIT


def _until_reset(value: str | None, *, now: datetime) -> timedelta | None:
    """Read `X-RateLimit-Reset`, seconds since 1970."""
    if not value or not (value.isascii() and value.isdigit()):
        return None
    return timedelta(seconds=min(int(value[:12]) - now.timestamp(), LONGEST_WAIT.total_seconds()))


def _message(response: httpx.Response) -> str:
    """Return GitHub's own words, cut; a proxy's HTML page has none."""
    try:
        document = response.json()
    except ValueError:
        return "(no JSON)"
    if not isinstance(document, dict):
        return "(no message)"
    details = document.get("errors")
    return f"{document.get('message', '')} {details or ''}".strip()[:300]
