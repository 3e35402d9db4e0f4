"""An incident without language models: analyzers review alone, and afterwards a full review adds what was missing."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from codereview.adapters.models.replay import ReplayModel
from codereview.control_ports import Page
from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, Request
from codereview.domain.control.tenants import Tenant
from codereview.domain.review import Posted, ReviewState, TenantId
from codereview.ports import ReviewItem
from codereview.use_cases.control.ask_reviews import Asked, AskReviews
from tests.scenarios.events import NOW
from tests.scenarios.fake_desk import ALL_ON
from tests.scenarios.fake_stores import Ids, ReviewQueue
from tests.scenarios.real_changes import RealChanges, open_change, text
from tests.scenarios.test_cancelling import TENANT, NoList, NoOutbox, SeizableStore

BASE = {"README": text("kept\n")}
HEAD = BASE | {"a.py": text("def first(values=[]):\n    return values[1]\n")}
CLAIM = {
    "path": "a.py",
    "quote": "return values[1]",
    "line": 1,
    "severity": "high",
    "title": "Second instead of first",
    "body": "Lists begin at 0.",
}


@dataclass
class Listed(NoList):
    """The list of reviews, as the control table would give it: the latest first."""

    world: RealChanges

    def page(
        self,
        tenant: TenantId,
        *,
        since: datetime,
        limit: int,
        after: str | None = None,
        states: frozenset[ReviewState] = frozenset(),
    ) -> Page[ReviewItem]:
        own = [item for item in reversed(self.world.items.values()) if item.key.tenant == tenant]
        return Page(items=tuple(item for item in own if item.state in states or not states), next=None)


class Outbox(NoOutbox):
    """Audit entries, which are not what this is about."""

    def put(self, entry: AuditEntry) -> bool:
        return True


def repair(world: RealChanges, tenant: Tenant) -> tuple[Asked, ...]:
    """Be the operator after the incident."""
    ask = AskReviews(
        ids=Ids(world),
        queue=ReviewQueue(world),
        store=SeizableStore(world),
        reviews=Listed(world),
        outbox=Outbox(),
    )
    request = Request(actor=Actor(kind=ActorKind.PERSON, id="github.com:7"), id="r", at=world.now)
    return tuple(ask.rerun_bypassed(tenant, since=NOW, limit=100, after=None, request=request).items)


def titles(review: dict[str, list[dict[str, str]]]) -> list[str]:
    """Return what a review's comments are about."""
    return [comment["body"].split("\n")[0] for comment in review["comments"]]


def test_a_brown_out_is_reviewed_by_analyzers_and_repaired_by_a_full_review_that_says_nothing_twice(
    tmp_path: Path,
) -> None:
    model = ReplayModel({"correctness": json.dumps({"findings": [CLAIM]})})
    with open_change(tmp_path, BASE, HEAD, model=model) as world:
        world.flags = replace(ALL_ON, models=False)
        assert isinstance(world.deliver(world.event()), Posted)
        (first,) = world.posted["reviews"]
        assert "language models" in first["body"]
        assert len(first["comments"]) == 1
        assert "Second instead of first" not in json.dumps(first)

        world.flags, world.now = ALL_ON, world.now + timedelta(hours=2)
        event = world.event()
        tenant = replace(TENANT, account_id=event.owner_id or 0, installation_id=event.installation_id)
        (asked,) = repair(world, tenant)
        assert (asked.repository_id, asked.number) == (event.repository_id, event.number)
        assert isinstance(world.settle(), Posted)

        _, second = world.posted["reviews"]
        assert len(titles(second)) == 1
        assert "Second instead of first" in titles(second)[0]
        assert set(titles(first)).isdisjoint(titles(second))
        assert [run["status"] for run in world.posted["check_runs"]] == ["completed", "completed"]
        assert repair(world, tenant) == ()
        bypassed, full = sorted(world.items.values(), key=lambda item: not item.is_bypassed)
        assert (bypassed.is_bypassed, full.is_bypassed) == (True, False)
        assert {message.review_id for message in world.recorded} == set(world.items)
