"""Reviews: what becomes of them now, and asking for one, for none, or once more."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field

from codereview.domain.control.scopes import Scope
from codereview.domain.review import ReviewState
from codereview.entrypoints.api.fields import Body, Moment, Number, Page, Shown
from codereview.entrypoints.api.routing import Answer, Call, Route
from codereview.entrypoints.api.services import Services
from codereview.errors import NotFoundError
from codereview.ports import ReviewItem
from codereview.use_cases.control.ask_reviews import Asked

LIVE = timedelta(days=30)  # what is older, the record has


class ReviewShown(Shown):
    """A review as it stands now. `kind` tells what asked for it: `auto`, or the trigger and an id."""

    id: UUID
    repository_id: int
    number: int
    head_sha: str
    kind: str
    state: ReviewState
    reason: str | None
    attempts: int
    is_bypassed: bool
    updated_at: datetime | None
    due_at: datetime | None
    waiting_since: datetime | None
    github_review_id: int | None
    check_run_id: int | None


class ReviewsShown(Shown):
    """Some reviews, the latest changed first."""

    items: list[ReviewShown]
    next: str | None


class ReviewsPage(Page):
    """Which part of the list, in which state."""

    state: ReviewState | None = None


class ReviewWanted(Body):
    """Which pull request; `full` reviews all of it, not only what is new."""

    repository_id: Number
    number: Number
    full: bool = False


class BypassedWanted(Body):
    """From when on; the answer's `next` goes on where the limit ended it."""

    since: Moment
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, Field(min_length=1, max_length=1_000)] | None = None


class ReviewAsked(Shown):
    """A review that was asked for: it appears in the list under this kind once the queue's turn comes."""

    repository_id: int
    number: int
    kind: str


class ReviewsAsked(Shown):
    """The reviews that were asked for."""

    items: list[ReviewAsked]
    next: str | None


def _shown(item: ReviewItem) -> ReviewShown:
    return ReviewShown(
        id=item.key.review_id,
        repository_id=item.key.repository_id,
        number=item.key.number,
        head_sha=item.key.head_sha,
        kind=item.key.kind,
        state=item.state,
        reason=item.reason,
        attempts=item.attempts,
        is_bypassed=item.is_bypassed,
        updated_at=item.updated_at,
        due_at=item.due_at,
        waiting_since=item.waiting_since,
        github_review_id=item.github_review_id,
        check_run_id=item.check_run_id,
    )


def _asked(asked: Asked) -> ReviewAsked:
    return ReviewAsked(repository_id=asked.repository_id, number=asked.number, kind=asked.kind)


def _begin(call: Call, since: datetime | None = None) -> datetime:
    """Return the oldest change that is shown: nothing of an earlier life of the account."""
    return max(call.tenant.began_at, call.request.at - LIVE, since or call.tenant.began_at)


def _list(services: Services, call: Call) -> Answer:
    state = call.query_as(ReviewsPage).state
    page = services.reviews.page(
        call.tenant.id,
        since=_begin(call),
        limit=call.page.limit,
        after=call.page.after,
        states=frozenset({state} if state else ()),
    )
    return Answer(content=ReviewsShown(items=[_shown(item) for item in page.items], next=page.next))


def _find(services: Services, call: Call) -> ReviewItem:
    item = services.reviews.load(call.tenant.id, UUID(call.path["review"]))
    if item is None or (item.updated_at is not None and item.updated_at < call.tenant.began_at):
        raise NotFoundError("no such review")
    return item


def _show(services: Services, call: Call) -> Answer:
    return Answer(content=_shown(_find(services, call)))


def _run(services: Services, call: Call) -> Answer:
    wanted = call.body_as(ReviewWanted)
    asked = services.ask_reviews.run(
        call.tenant,
        repository_id=wanted.repository_id,
        number=wanted.number,
        is_full=wanted.full,
        request=call.request,
    )
    return Answer(content=_asked(asked))


def _cancel(services: Services, call: Call) -> Answer:
    item = services.ask_reviews.cancel(call.tenant, _find(services, call), request=call.request)
    return Answer(content=_shown(item))


def _rerun(services: Services, call: Call) -> Answer:
    return Answer(content=_asked(services.ask_reviews.rerun(call.tenant, _find(services, call), request=call.request)))


def _rerun_bypassed(services: Services, call: Call) -> Answer:
    wanted = call.body_as(BypassedWanted)
    bound = f"reviews.rerun_bypassed\n{call.tenant.id}"
    after = services.cursors.read(wanted.cursor, bound=bound) if wanted.cursor else None
    page = services.ask_reviews.rerun_bypassed(
        call.tenant, since=_begin(call, wanted.since), limit=wanted.limit, after=after, request=call.request
    )
    following = services.cursors.write(page.next, bound=bound) if page.next else None
    return Answer(content=ReviewsAsked(items=[_asked(each) for each in page.items], next=following))


_ALL, _ONE = "/v1/tenants/{tenant}/reviews", "/v1/tenants/{tenant}/reviews/{review}"

ROUTES = (
    Route(
        method="GET",
        path=_ALL,
        operation="reviews.list",
        summary="List the reviews of the last 30 days, the latest changed first",
        access=Scope.REVIEWS_READ,
        run=_list,
        answer=ReviewsShown,
        query=ReviewsPage,
    ),
    Route(
        method="POST",
        path=_ALL,
        operation="reviews.run",
        summary="Ask for a review of a pull request",
        access=Scope.REVIEWS_WRITE,
        run=_run,
        answer=ReviewAsked,
        status=202,
        body=ReviewWanted,
    ),
    Route(
        method="GET",
        path=_ONE,
        operation="reviews.show",
        summary="Show a review as it stands now",
        access=Scope.REVIEWS_READ,
        run=_show,
        answer=ReviewShown,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/cancel",
        operation="reviews.cancel",
        summary="End a review that has not been posted",
        access=Scope.REVIEWS_WRITE,
        run=_cancel,
        answer=ReviewShown,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/rerun",
        operation="reviews.rerun",
        summary="Ask for another review of the same pull request",
        access=Scope.REVIEWS_WRITE,
        run=_rerun,
        answer=ReviewAsked,
        status=202,
    ),
    Route(
        method="POST",
        path=f"{_ALL}/rerun-bypassed",
        operation="reviews.rerun_bypassed",
        summary="Ask again for the reviews that were made while language models were bypassed",
        access=Scope.REVIEWS_WRITE,
        run=_rerun_bypassed,
        answer=ReviewsAsked,
        status=202,
        body=BypassedWanted,
    ),
)
