"""Every change is told once: each route that changes something writes one entry, in the transaction of the change."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from codereview.domain.control.people import Role
from codereview.domain.review import ReviewState
from codereview.entrypoints.api.table import ROUTES
from tests.functions.api.samples import Sample, sample
from tests.functions.api.world import MINE, World

CHANGES = sorted(route.operation for route in ROUTES if route.is_change)
STATUSES = {route.operation: route.status for route in ROUTES}

# Where nothing is stored there is nothing to tell.
STORES_NOTHING = {"sign_in.begin"}


def rights_given_back(world: World, asked: Sample) -> Sample:
    """Have GitHub say that the installation is suspended: renewing what is as it was changes nothing."""
    for number, proof in world.installed.found.items():
        world.installed.found[number] = replace(proof, is_suspended=True)
    return asked


def blocked(world: World, asked: Sample) -> Sample:
    world.app.services.manage_tenants.block(world.tenant().id, request=world.request())
    return asked


def paused(world: World, asked: Sample) -> Sample:
    body = asked.body | {"reason": "release"}
    assert world.call("POST", asked.path.removesuffix("/resume"), world.operator(), body=body).status == 200
    return asked


def bypassed(world: World, asked: Sample) -> Sample:
    world.review(state=ReviewState.POSTED, is_bypassed=True)
    return asked


def answered_by_github(world: World, asked: Sample) -> Sample:
    world.person(77, Role.VIEWER)  # who is nobody's is not audited
    world.web.user = (77, "ann")
    begun = world.call("POST", "/v1/sign-in").json
    code, state = world.web.approve(begun["authorize_url"])
    return replace(asked, body={"ticket": begun["ticket"], "code": code, "state": state})


def moving(world: World, asked: Sample) -> Sample:
    """Have so much to move that the move is still under way when it is stopped."""
    for _ in range(20):
        world.dead_letter("{}")
    assert world.call("POST", asked.path, world.operator(), body={"messages_per_second": 1}).status == 202
    return asked


# What has to be so for the request to change something, where the sample alone does not see to it.
BEFORE: Mapping[str, Callable[[World, Sample], Sample]] = {
    "tenants.renew": rights_given_back,
    "tenants.unblock": blocked,
    "pauses.resume": paused,
    "reviews.rerun_bypassed": bypassed,
    "sign_in.complete": answered_by_github,
    "redrive.cancel": moving,
}


@pytest.mark.parametrize("operation", CHANGES)
def test_every_change_that_is_made_writes_one_entry(world: World, operation: str) -> None:
    asked = sample(world, operation, account=MINE)
    if operation in BEFORE:
        asked = BEFORE[operation](world, asked)
    token = None if operation.startswith("sign_in.") else world.operator()
    world.clock.sleep(timedelta(minutes=1))
    before = {entry.id for entry in world.audited()}
    world.table.calls.clear()
    reply = world.call(asked.method, asked.path, token, body=asked.body, headers=asked.headers)
    assert reply.status == STATUSES[operation], reply.text
    actions = [entry.action for entry in world.audited() if entry.id not in before]
    assert len(actions) == (0 if operation in STORES_NOTHING else 1), actions
    assert world.table.calls.count("TransactWriteItems") == len(actions)
