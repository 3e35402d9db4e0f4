"""What a tenant hears of its changes never depends on another: the same, byte by byte, with its data there.

Two deployments, in one of which another tenant has some of everything and did all the same before, under the same
names. Ids, secrets and the time are the same in both, so that nothing else can differ.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import pytest

from codereview.adapters.system import RandomIds, RandomSecrets
from codereview.domain.control.people import Role
from codereview.entrypoints.api.routing import Who
from local.aws import Aws
from tests.functions.api import world as worlds
from tests.functions.api.matrix import expected
from tests.functions.api.rights import ANYBODY
from tests.functions.api.samples import BY_NAME, sample
from tests.functions.api.test_isolation import CANARY, fill, heard, own
from tests.functions.api.world import MINE, NOW, THEIRS, World, event, tenant_path

LAST = "session.end"  # whoever signs out cannot go on
FORWARD = sorted(
    (name for name, route in BY_NAME.items() if route.is_change and route.access is not Who.OPERATOR),
    key=lambda name: (name == LAST, name),
)
ADMIN, KEY = "admin", "key with the scope"


@dataclass
class Chance:
    """The machine's randomness, as a row of numbers that begins where a test says."""

    patch: pytest.MonkeyPatch

    def begin(self, at: int) -> None:
        numbers = count(at)
        self.patch.setattr(RandomIds, "new", lambda _self: UUID(int=next(numbers)))
        self.patch.setattr(RandomSecrets, "draw", lambda _self, size: next(numbers).to_bytes(size))
        self.patch.setattr(worlds, "_numbers", numbers)


def changed(world: World, account: int, caller: str) -> list[str]:
    """Make every change as somebody of a tenant's; return every byte of the answers.

    The admin gives each POST a name. The key goes backwards, so that it takes back, ends and resumes what is not there.
    """
    is_admin = caller == ADMIN
    token = world.person(20 + account, Role.ADMIN, account=account) if is_admin else world.key(account=account)
    answers = []
    for operation in FORWARD if is_admin else reversed(FORWARD):
        asked = sample(world, operation, account=account)
        headers = {**asked.headers, "authorization": f"Bearer {token}", "content-type": "application/json"}
        if is_admin and asked.method == "POST":
            headers["idempotency-key"] = f"the-same-{operation}"
        body = None if asked.body is None else json.dumps(asked.body)
        given = event(asked.method, asked.path, headers=headers, body=body)
        given["requestContext"]["requestId"] = f"the-same-{caller}-{operation}"
        reply = world.send(given)
        answers.append(json.dumps([caller, operation, asked.path, reply.status, dict(reply.headers), reply.text]))
        is_done = is_admin and operation not in ANYBODY and expected(operation, caller) is None
        assert reply.status < 300 or not is_done, answers[-1]
        world.clock.sleep(timedelta(seconds=1))
    return answers


def make_traces(world: World, until: datetime) -> None:
    """Have the other tenant do all of it before: what it paused stays so, and its bucket has only just lost some."""
    world.tenant(THEIRS)
    world.clock.time = until - timedelta(hours=1)
    fill(world, THEIRS, CANARY)
    for caller in (ADMIN, KEY):
        changed(world, THEIRS, caller)
    world.clock.time = until
    token = world.key(account=THEIRS)
    for _ in range(5):
        assert world.call("GET", tenant_path(THEIRS), token).status == 200


def test_b64_every_change_is_answered_byte_by_byte_the_same_with_and_without_the_others_data(
    emulator: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, later, told = Chance(monkeypatch), NOW + timedelta(days=1), []
    for name in ("alone", "shared"):
        chance.begin(at=1_000)
        world = World.new(emulator, f"differential-{name}")
        world.tenant(MINE)
        if name == "shared":
            chance.begin(at=1_000_000)
            make_traces(world, later)
        world.clock.time = later
        chance.begin(at=2_000)
        answers = [answer for caller in (KEY, ADMIN) for answer in changed(world, MINE, caller)]
        told.append([*answers, *heard(world, world.key(), own(world))])
    alone, shared = told
    for one, other in zip(alone, shared, strict=True):
        assert one == other.replace("differential-shared", "differential-alone")
    assert CANARY not in str(shared)


def test_b64_what_a_tenant_changes_leaves_everything_of_anothers_as_it_was(world: World) -> None:
    make_traces(world, NOW + timedelta(days=1))
    theirs, asked = world.key(account=THEIRS), own(world, THEIRS)
    before = heard(world, theirs, asked)
    for caller in (KEY, ADMIN):
        changed(world, MINE, caller)
    assert heard(world, theirs, asked) == before
    assert CANARY in str(before)
