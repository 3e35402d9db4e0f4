"""Messages that are well formed and say what is not so: GitHub's word counts, and nobody else's review is touched."""

from dataclasses import replace

import pytest

from codereview.domain.envelope import Envelope
from codereview.domain.review import Posted, TenantId
from codereview.ports import ReviewItem
from tests.scenarios.events import HEAD_B, pull_request_event
from tests.scenarios.world import World


def reviewed(world: World) -> ReviewItem:
    """Review pull request 3, and return its item."""
    world.deliver(pull_request_event())
    (item,) = world.items.values()
    return item


def test_b89_a_message_with_another_accounts_number_is_the_work_of_the_repositorys_own_tenant() -> None:
    world = World(account=1)
    assert isinstance(world.deliver(replace(pull_request_event(), owner_id=666)), Posted)
    assert {item.key.tenant for item in world.items.values()} == {TenantId("github.com:1")}
    assert {message.key.tenant for message in world.recorded} == {TenantId("github.com:1")}


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(replace(pull_request_event(), number=4), id="b89-another pull request"),
        pytest.param(replace(pull_request_event(), repository_id=7), id="b89-another repository"),
    ],
)
def test_a_message_that_names_a_review_of_another_place_does_not_touch_it(message: Envelope) -> None:
    world = World()
    before = reviewed(world)
    world.deliver(replace(message, review_id=str(before.key.review_id)))
    assert world.items[before.key.review_id] == before
    assert len(world.items) == len(world.reviews) == 2


def test_b89_a_message_that_names_a_review_of_another_tenant_does_not_touch_it() -> None:
    world = World(account=1)
    before = reviewed(world)
    world.account = 2
    world.deliver(replace(pull_request_event(), review_id=str(before.key.review_id)))
    assert world.items[before.key.review_id] == before
    assert {item.key.tenant for item in world.items.values()} == {"github.com:1", "github.com:2"}


def test_b89_a_message_that_names_a_review_that_is_not_there_makes_its_own() -> None:
    world = World()
    unknown = "00000000-0000-4000-8000-000000000000"
    assert isinstance(world.deliver(replace(pull_request_event(), review_id=unknown)), Posted)
    assert len(world.reviews) == 1


def test_b12_b89_a_message_of_a_head_that_never_was_leads_to_the_present_one() -> None:
    world = World()
    world.deliver(pull_request_event(HEAD_B))
    world.deliver(replace(pull_request_event("c" * 40), delivery="00000000-0000-4000-8000-000000000001"))
    assert [review.commit_id for review, _ in world.reviews] == [world.head]
