"""Check runs: their life, their limits, and pressing "Re-run"."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from local.github import StandIn
from local.github.routing import Refusal
from tests.infra.github_stand_in.world import ROOT, git

RUNS = f"{ROOT}/check-runs"
OUTPUT = {"title": "2 findings", "summary": "See the review."}


@pytest.fixture
def head(clone: Path) -> str:
    return git(clone, "rev-parse", "feature")


def start(github: httpx.Client, head: str, **more: Any) -> dict[str, Any]:
    document = {"name": "AI Code Review", "head_sha": head, "status": "in_progress", "external_id": "r-1"} | more
    answer = github.post(RUNS, json=document)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_check_run_is_started_and_ended(github: httpx.Client, head: str) -> None:
    run = start(github, head)
    assert (run["status"], run["conclusion"], run["external_id"]) == ("in_progress", None, "r-1")
    assert run["started_at"] == "2026-03-01T12:00:00Z"
    assert [pull["number"] for pull in run["pull_requests"]] == [1]
    ended = github.patch(f"{RUNS}/{run['id']}", json={"conclusion": "neutral", "output": OUTPUT}).json()
    assert (ended["status"], ended["conclusion"], ended["output"]["title"]) == ("completed", "neutral", "2 findings")
    assert github.get(f"{RUNS}/{run['id']}").json() == ended


def test_a_forks_check_run_names_no_pull_request(stand_in: StandIn, github: httpx.Client, clone: Path) -> None:
    stand_in.open_pull_request("acme/shop", "main", "later", fork_owner="kim")
    assert start(github, git(clone, "rev-parse", "later"))["pull_requests"] == []


def test_check_runs_are_found_by_commit_and_name(github: httpx.Client, head: str) -> None:
    ids = [start(github, head)["id"] for _ in range(2)]
    other = start(github, head, name="Other")["id"]

    def found(**params: str) -> list[int]:
        document = github.get(f"{ROOT}/commits/{head}/check-runs", params=params).json()
        assert document["total_count"] == len(document["check_runs"])
        return [run["id"] for run in document["check_runs"]]

    assert sorted(found()) == sorted([ids[1], other])
    assert found(check_name="AI Code Review") == [ids[1]]
    assert found(check_name="AI Code Review", filter="all") == ids[::-1]
    assert found(status="completed") == []
    assert github.get(f"{ROOT}/commits/main/check-runs").json()["total_count"] == 0


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"output": {"title": "t", "summary": "x" * 65_536}}, "Only 65535 characters are allowed"),
        ({"output": {"title": "t", "summary": "ä" * 32_768}}, "Only 65535 characters are allowed"),
        ({"output": {"title": "t", "summary": "s", "text": "x" * 65_536}}, "Only 65535 characters are allowed"),
        ({"output": {"summary": "s"}}, '"title" wasn\'t supplied'),
        ({"output": {"title": "t"}}, '"summary" wasn\'t supplied'),
        (
            {"output": {"title": "t", "summary": "s", "annotations": [{}] * 51}},
            "No more than 50 items are allowed; 51 were supplied",
        ),
        ({"actions": [{}] * 4}, "No more than 3 items"),
        ({"status": "completed"}, "Validation Failed"),
        ({"conclusion": "great"}, "Validation Failed"),
        ({"status": "done"}, "Validation Failed"),
    ],
)
def test_what_is_above_a_limit_or_incomplete_changes_nothing(
    github: httpx.Client, head: str, document: dict[str, Any], message: str
) -> None:
    run = start(github, head)
    refused = github.patch(f"{RUNS}/{run['id']}", json=document)
    assert refused.status_code == 422
    assert message in refused.json()["message"]
    assert github.get(f"{RUNS}/{run['id']}").json() == run


def test_a_check_run_needs_a_commit_of_the_repository(github: httpx.Client) -> None:
    refused = github.post(RUNS, json={"name": "x", "head_sha": "f" * 40})
    assert (refused.status_code, refused.json()["message"]) == (422, f"No commit found for SHA: {'f' * 40}")


def test_annotations_add_up(github: httpx.Client, head: str) -> None:
    run = start(github, head)
    note = {"path": "app.py", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
    for _ in range(2):
        github.patch(f"{RUNS}/{run['id']}", json={"output": OUTPUT | {"annotations": [note] * 50}})
    assert github.get(f"{RUNS}/{run['id']}").json()["output"]["annotations_count"] == 100
    assert len(github.get(f"{RUNS}/{run['id']}/annotations", params={"per_page": "100"}).json()) == 100


def test_only_an_ended_check_run_can_be_asked_for_again(stand_in: StandIn, github: httpx.Client, head: str) -> None:
    run = start(github, head)
    with pytest.raises(Refusal):
        stand_in.rerequest_check_run("acme/shop", run["id"])
    github.patch(f"{RUNS}/{run['id']}", json={"conclusion": "success"})
    delivery = stand_in.rerequest_check_run("acme/shop", run["id"], sender="kim")
    assert (delivery["event"], delivery["action"]) == ("check_run", "rerequested")
    assert '"external_id":"r-1"' in delivery["body"]
    assert github.post(f"{RUNS}/{run['id']}/rerequest").status_code == 201
    assert github.get(f"{RUNS}/{run['id']}").json()["status"] == "queued"
