"""The sweep of open heads: what is taken for lost, how much GitHub is asked for it, and where it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.domain.review import ReviewState, SkipReason

# A tenth of what the smallest installation may ask GitHub in an hour (5,000), bursts included:
# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
REQUESTS_AN_HOUR = 400
MOST_AT_ONCE = 100

# A finished round rests, so that a small installation is looked at every hour and not every minute.
REST = timedelta(hours=1)

# The webhook of what has just happened is on its way, or its message in the queue.
SETTLED_AFTER = timedelta(minutes=15)

# What had happened longer than this before a repository was first seen is not ours: nobody wants hundreds of reviews of
# old pull requests on the day of the installation.
LOOK_BACK = timedelta(days=3)

# Reviews are forgotten in the end: without one, a pull request that nobody touched for a year was not lost.
OLDEST = timedelta(days=365)

# A page that has not changed is believed for so long; then it is read again, whatever it says.
ETAG_LIFE = timedelta(days=7)

# With a visit every hour, what is sent again is so within a day.
SENT_AGAIN_AFTER = timedelta(hours=23)

# Reasons of skipped reviews that an open pull request, found now, has left behind.
_PASSING = {
    SkipReason.DRAFT,
    SkipReason.CLOSED,
    SkipReason.INSTALLATION_GONE,
    SkipReason.PULL_REQUEST_GONE,
    SkipReason.NOT_OURS,
    SkipReason.BLOCKED,  # the sweep comes by no account that still is
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An installation of our App, as GitHub lists it."""

    id: int
    account_id: int | None  # None where GitHub does not say
    login: str | None
    created_at: datetime
    is_suspended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHead:
    """An open pull request, as GitHub lists it."""

    number: int
    head_sha: str
    is_draft: bool
    is_author_bot: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """How far the sweep of one installation is: `page` of its repositories, and how many of that page are done."""

    visited_at: datetime | None = None
    page: int = 1
    done: int = 0
    rests_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is remembered of a repository; `etag` only if nothing of its list was left open.

    `sent_at` is when the last of its heads was sent to a reviewer.
    """

    first_at: datetime
    etag: str | None = None
    etag_at: datetime | None = None
    sent_at: datetime | None = None


def behind(installations: Sequence[Installed], last: str) -> Sequence[Installed]:
    """Return the part of a page whose turn it is after the installation `last`; all if that one is not in it."""
    ids = [str(installed.id) for installed in installations]
    return installations[ids.index(last) + 1 :] if last in ids else installations


def allowance(visited_at: datetime | None, *, now: datetime) -> int:
    """Say how many requests may be made since the last visit: never more than 500 in any hour."""
    since = now - visited_at if visited_at is not None else timedelta(minutes=1)
    return max(min(int(REQUESTS_AN_HOUR * (since / timedelta(hours=1))), MOST_AT_ONCE), 0)


def visited(spent: int, allowed: int, *, now: datetime) -> datetime:
    """Return the time to remember for a visit; what was asked beyond the allowance is paid for by waiting."""
    return now + timedelta(hours=1) * max(spent - allowed, 0) / REQUESTS_AN_HOUR


def horizon(installed: Installed, seen: Seen, *, now: datetime) -> datetime:
    """Say how far back a pull request's last change is our business."""
    return max(installed.created_at, seen.first_at - LOOK_BACK, now - OLDEST)


def usable_etag(seen: Seen, *, now: datetime) -> str | None:
    """Return the tag to ask with, if it is still believed."""
    return seen.etag if seen.etag_at is not None and now - seen.etag_at < ETAG_LIFE else None


def is_fresh(head: OpenHead, *, now: datetime) -> bool:
    """Whether it changed so lately that it is looked at the next time."""
    return now - head.updated_at < SETTLED_AFTER


def is_lost(head: OpenHead, state: ReviewState | None, reason: str | None) -> bool:
    """Decide whether the head has to be sent to a reviewer; `state` and `reason` are those of its review, if any.

    A review that has not ended has a due time and needs nobody else. Of those that were skipped, only such are taken up
    whose reason has passed: anything else would come round with each sweep.
    """
    if head.is_draft or head.is_author_bot:
        return False
    if state is None or state is ReviewState.SUPERSEDED:
        return True
    return state is ReviewState.SKIPPED and reason in _PASSING


def is_settled(head: OpenHead, state: ReviewState | None, reason: str | None) -> bool:
    """Whether nothing is to be done about the head, whatever happens, as long as GitHub lists it as it does now.

    A review that is under way may still be skipped for a reason that passes without any change of the list.
    """
    if head.is_draft or head.is_author_bot:
        return True
    return state is not None and state.is_end and not is_lost(head, state, reason)


def was_sent(head: OpenHead, state: ReviewState | None, seen: Seen, *, now: datetime) -> bool:
    """Whether an earlier round sent the head as it is now, and its message may still be in the queue.

    A second one would say no more, and a queue that stands still must not grow by what waits in it every hour. What was
    skipped had its turn; a message that came to nothing without a trace, as in an installation that was suspended just
    then, is made up for within a day.
    """
    if state is ReviewState.SKIPPED or seen.sent_at is None or now - seen.sent_at >= SENT_AGAIN_AFTER:
        return False
    return not is_fresh(head, now=seen.sent_at)
