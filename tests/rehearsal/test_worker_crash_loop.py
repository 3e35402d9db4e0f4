"""Night 2: a release whose agent breaks off, and one that needs more memory than there is."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from codereview.adapters.dynamodb.items import review_item
from codereview.ports import ReviewItem
from local.demo import sample_repository
from tests.rehearsal.operator_at_night import Night, worked
from tests.rehearsal.releases import CRASH, HOLD, Fault, release
from tests.rehearsal.tenants import tenant_of
from tests.scenarios.callers import operator
from tests.scenarios.commands import said
from tests.scenarios.test_deployed_faults import let_time_pass

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(900)]

PATIENCE_SECONDS = 300
PAGE = "worker-crash-loop"
Pulls = list[tuple[int, int]]


def crash(night: Night, fault: Fault, *, alarm: str, name: str) -> Pulls:
    """Deploy the fault, and ask for reviews until the alarm is on: three in each of two rounds."""
    night.values["TENANT"] = tenant_of(night.stack, operator(night.stack), "acme")
    said(night.stack, "releases", "record")
    release(night.stack, fault)
    said(night.stack, "releases", "record")
    repository = night.stack.hub.add_repository(sample_repository(), owner="acme", name=name)
    pulls = list[tuple[int, int]]()
    for _ in range(2):
        before = len(pulls)
        for _ in range(3):
            opened = night.stack.hub.open_pull(repository, base="main", head="change", title="Crash")
            pulls.append((repository, opened["number"]))
        _until(lambda: len(_broken(night)) >= 3, "they break off")
        night.pass_a_round()
        assert len(pulls) == before + 3
    assert {alarm, "page"} <= night.ringing()
    return pulls


def recover(night: Night, pulls: Pulls) -> None:
    """What would take minutes is not waited for: leases and due times are set back, and the reconciler runs."""
    for item in _unfinished(night):
        let_time_pass(night.stack, item)
    worked(night.follow(PAGE, "Verify"))
    said(night.stack, "reconcile", "--since", "1d")

    def all_are_reviewed() -> bool:
        return all(night.stack.hub.pull(*pull)["reviews"] for pull in pulls)

    _until(all_are_reviewed, "all are reviewed")
    for pull in pulls:
        assert len(night.stack.hub.pull(*pull)["reviews"]) == 1
    for _ in range(3):
        night.pass_a_round()
    assert night.ringing() == set()


def test_a_release_that_breaks_off_is_rolled_back_by_the_page_and_nothing_is_lost(night: Night) -> None:
    pulls = crash(night, CRASH, alarm="worker-crash-lines", name="crashing")
    confirmed = "\n".join(each.said for each in night.follow(PAGE, "Confirm"))
    assert "RuntimeError" in confirmed
    worked(night.follow(PAGE, "Mitigate", steps={5}))  # nothing more breaks off while somebody thinks
    assert said(night.stack, "workers", "status")["is_enabled"] is False
    said(night.stack, "releases", "rollback", "--yes")  # what `make rollback` runs on a stage of AWS
    night.follow(PAGE, "Restore", steps={1})  # there may be no dead letters
    assert said(night.stack, "workers", "status")["is_enabled"] is True
    recover(night, pulls)


@pytest.mark.long
def test_a_failing_agent_is_switched_off_by_the_page_and_nothing_is_lost(night: Night) -> None:
    pulls = crash(night, CRASH, alarm="worker-crash-lines", name="switched")
    worked(night.follow(PAGE, "Mitigate", steps={2}))
    time.sleep(61)  # flags hold within a minute everywhere
    recover(night, pulls)
    for pull in pulls:
        (review,) = night.stack.hub.pull(*pull)["reviews"]
        assert "security" not in _agents(review)
    worked(night.follow(PAGE, "Mitigate", steps={3}))
    assert said(night.stack, "flags", "show", "--deployment")["models"] is False
    night.values["SINCE"] = "2020-01-01T00:00:00Z"
    worked(night.follow(PAGE, "Restore", steps={2, 3}))
    flags = said(night.stack, "flags", "show", "--deployment")
    assert (flags["models"], flags["agents"]["security"]["mode"]) == (True, "on")


@pytest.mark.long
def test_reviewers_that_run_out_of_memory_are_given_more_by_the_page_and_nothing_is_lost(night: Night) -> None:
    pulls = crash(night, HOLD, alarm="worker-crash-loop", name="exhausting")
    night.follow(PAGE, "Confirm", steps={1})
    night.values["MEMORY_MB"] = str(2 * int(said(night.stack, "workers", "status")["memory_mb"]))
    worked(night.follow(PAGE, "Mitigate", steps={1}))
    assert said(night.stack, "workers", "status")["memory_mb"] == 1024
    recover(night, pulls)


def _unfinished(night: Night) -> list[ReviewItem]:
    table = night.stack.deployment.outputs["ControlTableName"]
    items = night.stack.aws.client("dynamodb").scan(TableName=table)["Items"]
    return [review_item(each) for each in items if each["pk"]["S"].startswith("review#") and "due_at" in each]


def _broken(night: Night) -> list[str]:
    """Return what died or broke off since the last round."""
    lines = night.stack.logs("reviewer")[night.read_until("reviewer") :]
    return [line for line in lines if night.died(line) or '"ReviewsCrashed":1' in line.replace(" ", "")]


def _agents(review: dict[str, Any]) -> str:
    return "\n".join(comment["body"].rpartition("\n")[2] for comment in review["comments"])


def _until(is_so: Callable[[], bool], what: object) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < ends_at, what
        time.sleep(0.5)
