"""Designs that are known to be wrong: each has to turn tests red, or these would see nothing."""

from datetime import datetime
from typing import Any

import pytest

from codereview.domain.envelope import Envelope
from codereview.domain.review import Outcome, Skipped, SkipReason
from codereview.entrypoints import sqs
from codereview.errors import RetryableError
from codereview.ports import Busy, Lease, PullRequestKey
from codereview.use_cases.reconcile.sweep_heads import SweepHeads
from codereview.use_cases.review_pull_request import ReviewPullRequest
from tests.scenarios.fake_github import Repository
from tests.scenarios.fake_stores import Agenda, Store

DONE = Skipped(reason=SkipReason.NOTHING_TO_REVIEW)  # what is acknowledged, and nobody hears of again


def acknowledge_when_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be design C: who finds the pull request taken acknowledges, and nobody comes back."""
    acquire = ReviewPullRequest._acquire

    def give_up(self: ReviewPullRequest, place: PullRequestKey) -> Lease:
        try:
            return acquire(self, place)
        except RetryableError:
            raise PermissionError from None

    handle = ReviewPullRequest.handle

    def handle_or_forget(self: ReviewPullRequest, envelope: Envelope, *, deadline: datetime) -> Outcome:
        try:
            return handle(self, envelope, deadline=deadline)
        except PermissionError:
            return DONE

    monkeypatch.setattr(ReviewPullRequest, "_acquire", give_up)
    monkeypatch.setattr(ReviewPullRequest, "handle", handle_or_forget)


def post_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be design D: the result is stored, but nobody looks for a review that stands there already."""
    monkeypatch.setattr(Repository, "_listed", lambda _: [])


def drop_the_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everybody write and post, however old the lease."""
    monkeypatch.setattr(Store, "_holds", lambda *_: True)


def mark_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be design B: a message is marked as seen before the work, and who comes again finds the mark."""
    handle = ReviewPullRequest.handle

    def handle_once(self: ReviewPullRequest, envelope: Envelope, *, deadline: datetime) -> Outcome:
        store: Any = self.store
        marks: set[str] = vars(store.world).setdefault("marks", set())
        mark = f"{envelope.head_sha} {envelope.received_at}"
        if mark in marks:
            return DONE
        marks.add(mark)
        return handle(self, envelope, deadline=deadline)

    monkeypatch.setattr(ReviewPullRequest, "handle", handle_once)


def ignore_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be design A: check, work, mark, with nothing that keeps two workers apart."""
    acquire = Store._acquire

    def take(self: Store, place: PullRequestKey, owner: object, now: datetime, until: datetime) -> Lease | Busy:
        self.world.leases.pop(place, None)
        return acquire(self, place, owner, now, until)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "_acquire", take)
    drop_the_fence(monkeypatch)


def forget_what_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no reconciler: what is parked stays parked."""
    monkeypatch.setattr(Agenda, "_due", lambda *_: [])


def trust_every_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no sweep: a head whose webhook was never sent is in nobody's hands."""
    monkeypatch.setattr(SweepHeads, "__call__", lambda *_, **__: None)


def swallow_what_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catch everything in the review and go on as if it were done, so that its message is acknowledged (F15)."""
    handle = ReviewPullRequest.handle

    def handle_whatever_comes(self: ReviewPullRequest, envelope: Envelope, *, deadline: datetime) -> Outcome:
        try:
            return handle(self, envelope, deadline=deadline)
        except Exception:  # noqa: BLE001 -- the mistake itself
            return DONE

    monkeypatch.setattr(ReviewPullRequest, "handle", handle_whatever_comes)


def acknowledge_whatever_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the same mistake in the queue's loop."""
    handle_one = sqs._handle_one

    def swallow(*arguments: Any) -> None:
        try:
            handle_one(*arguments)
        except Exception:  # noqa: BLE001 -- the mistake itself
            return

    monkeypatch.setattr(sqs, "_handle_one", swallow)
