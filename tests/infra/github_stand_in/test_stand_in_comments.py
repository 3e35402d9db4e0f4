"""Single comments, the conversation and reactions."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from local.github import StandIn
from tests.infra.github_stand_in.world import PULL, ROOT, git, messages

TALK = f"{ROOT}/issues/1/comments"


@pytest.fixture
def head(clone: Path) -> str:
    return git(clone, "rev-parse", "feature")


def test_a_line_gets_a_single_comment_that_is_a_review_of_its_own(github: httpx.Client, head: str) -> None:
    answer = github.post(
        f"{PULL}/comments", json={"path": "app.py", "line": 50, "side": "RIGHT", "body": "x", "commit_id": head}
    )
    comment = answer.json()
    assert (answer.status_code, comment["line"], comment["subject_type"]) == (201, 50, "line")
    assert github.get(f"{PULL}/reviews/{comment['pull_request_review_id']}").json()["state"] == "COMMENTED"


@pytest.mark.parametrize("path", ["app.py", "logo.bin", "new name.py"])
def test_a_whole_file_gets_a_comment_even_without_lines(github: httpx.Client, head: str, path: str) -> None:
    document = {"path": path, "subject_type": "file", "body": "x", "commit_id": head}
    comment = github.post(f"{PULL}/comments", json=document).json()
    assert (comment["subject_type"], comment["path"]) == ("file", path)
    assert "line" not in comment


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"line": 1}, "Pull request review thread line must be part of the diff"),
        ({"path": "none.py"}, "Path could not be resolved"),
        ({"path": "none.py", "subject_type": "file"}, "Path could not be resolved"),
        ({"body": "x" * 65_537}, "Body is too long"),
        ({"body": ""}, "missing_field"),
        ({"commit_id": "f" * 40}, "Commit is not part of the pull request"),
    ],
)
def test_a_single_comment_obeys_the_same_rules(
    github: httpx.Client, head: str, change: dict[str, Any], message: str
) -> None:
    document = {"path": "app.py", "line": 50, "body": "x", "commit_id": head} | change
    refused = github.post(f"{PULL}/comments", json=document)
    assert refused.status_code == 422
    assert messages(refused)[0].startswith(message)
    assert github.get(f"{PULL}/comments").json() == []


def test_a_comment_on_a_line_can_be_answered_and_edited(github: httpx.Client, head: str) -> None:
    document = {"path": "app.py", "line": 50, "body": "x", "commit_id": head}
    comment = github.post(f"{PULL}/comments", json=document).json()
    reply = github.post(f"{PULL}/comments/{comment['id']}/replies", json={"body": "Fixed."}).json()
    assert reply["in_reply_to_id"] == comment["id"]
    path = f"{ROOT}/pulls/comments/{comment['id']}"
    assert github.patch(path, json={"body": "edited"}).json()["body"] == "edited"
    assert github.get(path).json()["body"] == "edited"


def test_the_conversation_is_listed_and_extended_by_the_app(stand_in: StandIn, github: httpx.Client) -> None:
    asked = stand_in.comment("acme/shop", 1, "/review", author="kim")
    said = github.post(TALK, json={"body": "On it."})
    assert said.status_code == 201
    assert said.json()["performed_via_github_app"]["slug"] == "ai-code-review"
    listed = github.get(TALK).json()
    assert [(one["user"]["login"], one["body"]) for one in listed] == [
        ("kim", "/review"),
        ("ai-code-review[bot]", "On it."),
    ]
    assert listed[0]["performed_via_github_app"] is None
    ours, theirs = f"{ROOT}/issues/comments/{said.json()['id']}", f"{ROOT}/issues/comments/{asked['id']}"
    assert github.patch(ours, json={"body": "Done."}).json()["body"] == "Done."
    assert github.get(ours).json()["body"] == "Done."
    assert github.patch(theirs, json={"body": "Done."}).status_code == 403
    assert github.post(TALK, json={"body": "x" * 65_537}).status_code == 422
    assert github.post(f"{ROOT}/issues/9/comments", json={"body": "x"}).status_code == 404


def test_a_reaction_is_given_once(stand_in: StandIn, github: httpx.Client, head: str) -> None:
    talk = stand_in.comment("acme/shop", 1, "/review")["id"]
    document = {"path": "app.py", "line": 50, "body": "x", "commit_id": head}
    line = github.post(f"{PULL}/comments", json=document).json()["id"]
    for path in (f"{ROOT}/issues/comments/{talk}", f"{ROOT}/pulls/comments/{line}"):
        assert [github.post(f"{path}/reactions", json={"content": "eyes"}).status_code for _ in range(2)] == [201, 200]
        assert github.get(path).json()["reactions"]["eyes"] == 1
        assert github.post(f"{path}/reactions", json={"content": "tada"}).status_code == 422
