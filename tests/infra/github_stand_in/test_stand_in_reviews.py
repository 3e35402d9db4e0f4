"""Reviews are stored whole or not at all, by the rules that GitHub applies."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from local.github import StandIn
from tests.infra.github_stand_in.world import PULL, git, messages

REVIEWS = f"{PULL}/reviews"
APP = {"path": "app.py", "body": "Look here."}


def post(github: httpx.Client, *comments: dict[str, Any], **review: Any) -> httpx.Response:
    document = {"event": "COMMENT", "body": "A review."} | review
    if comments:
        document["comments"] = list(comments)
    return github.post(REVIEWS, json={name: value for name, value in document.items() if value is not None})


def stored(stand_in: StandIn) -> list[dict[str, Any]]:
    return list(stand_in.posted("acme/shop")["reviews"])


def test_a_review_is_stored_with_its_comments_in_the_apps_name(
    stand_in: StandIn, github: httpx.Client, clone: Path
) -> None:
    head = git(clone, "rev-parse", "feature")
    answer = post(
        github,
        APP | {"line": 50, "side": "RIGHT"},
        APP | {"line": 80, "side": "LEFT"},
        APP | {"start_line": 50, "start_side": "RIGHT", "line": 51, "side": "RIGHT"},
        {"path": "new.py", "line": 2, "body": "x" * 65_536},
        commit_id=head,
    )
    review = answer.json()
    assert answer.status_code == 200
    assert (review["state"], review["commit_id"], review["body"]) == ("COMMENTED", head, "A review.")
    assert (review["user"]["login"], review["user"]["type"]) == ("ai-code-review[bot]", "Bot")
    comments = github.get(f"{REVIEWS}/{review['id']}/comments").json()
    assert [(one["path"], one["side"], one["start_line"], one["line"]) for one in comments] == [
        ("app.py", "RIGHT", None, 50),
        ("app.py", "LEFT", None, 80),
        ("app.py", "RIGHT", 50, 51),
        ("new.py", "RIGHT", None, 2),
    ]
    assert comments[0]["diff_hunk"].endswith("\n-line 50\n+changed")
    assert len(stored(stand_in)[0]["comments"]) == 4
    assert len(github.get(f"{PULL}/comments").json()) == 4


NOT_IN_DIFF = (
    "Pull request review thread line must be part of the diff and Pull request review thread diff hunk can't be blank"
)
BAD_POSITION = "Pull request review thread position is invalid and Pull request review thread diff hunk can't be blank"
BAD_SIDE = "Invalid request.\n\nFor 'properties/side', 'right' is not a member of LEFT, RIGHT."
OTHER_HUNK = "Pull request review thread start line must be part of the same hunk as the line."


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        (APP | {"line": 1}, NOT_IN_DIFF),
        (APP | {"line": 46}, NOT_IN_DIFF),
        (APP | {"line": 55}, NOT_IN_DIFF),
        (APP | {"line": 0}, NOT_IN_DIFF),
        (APP | {"line": -1}, NOT_IN_DIFF),
        (APP | {"line": 99_999}, NOT_IN_DIFF),
        (APP | {"line": 85, "side": "LEFT"}, NOT_IN_DIFF),
        ({"path": "none.py", "line": 1, "body": "x"}, "Path could not be resolved"),
        ({"path": "./app.py", "line": 50, "body": "x"}, "Path could not be resolved"),
        ({"path": "logo.bin", "line": 1, "body": "x"}, "Pull request review thread diff hunk can't be blank"),
        ({"path": "new name.py", "line": 1, "body": "x"}, "Pull request review thread diff hunk can't be blank"),
        (APP | {"start_line": 51, "line": 50}, "Pull request review thread start line must precede the end line."),
        (APP | {"start_line": 50, "line": 50}, "Pull request review thread start line must precede the end line."),
        (APP | {"start_line": 50, "line": 81}, OTHER_HUNK),
        (APP | {"start_line": 1, "line": 50}, OTHER_HUNK),
        (APP | {"line": 50, "body": "x" * 65_537}, "Body is too long (maximum is 65536 characters)"),
        (APP | {"line": 50, "body": "  "}, "Pull request review comment body can't be blank"),
        (APP, 'Invalid request.\n\n"line" wasn\'t supplied.'),
        (APP | {"position": 99}, BAD_POSITION),
        (APP | {"line": "50"}, "Invalid request.\n\nFor 'properties/line', '50' is not an integer."),
        (APP | {"line": 50, "side": "right"}, BAD_SIDE),
        (APP | {"subject_type": "file"}, 'Invalid request.\n\n"subject_type" is not a permitted key.'),
        ({"line": 50, "body": "x"}, 'Invalid request.\n\n"path" wasn\'t supplied.'),
    ],
)  # fmt: skip
def test_one_comment_that_cannot_stand_refuses_the_whole_review(
    stand_in: StandIn, github: httpx.Client, comment: dict[str, Any], message: str
) -> None:
    refused = post(github, APP | {"line": 50}, comment)
    assert (refused.status_code, messages(refused)) == (422, [message])
    assert stored(stand_in) == []
    assert github.get(f"{PULL}/comments").json() == []


def test_an_older_position_counts_rows_from_the_first_hunk(github: httpx.Client) -> None:
    review = post(github, APP | {"position": 4}, APP | {"position": 5}).json()
    comments = github.get(f"{REVIEWS}/{review['id']}/comments").json()
    assert [(one["side"], one["line"]) for one in comments] == [("LEFT", 50), ("RIGHT", 50)]


@pytest.mark.parametrize(
    ("review", "message"),
    [
        ({"body": "x" * 65_537}, "Body is too long (maximum is 65536 characters)"),
        ({"body": ""}, "Review body can't be blank"),
        ({"body": None, "event": "REQUEST_CHANGES"}, "Review body can't be blank"),
        (
            {"event": "comment"},
            "Variable $event of type PullRequestReviewEvent was provided invalid value",
        ),
        ({"commit_id": "f" * 40}, "Commit is not part of the pull request"),
        ({"commit_id": ""}, "Commit is not part of the pull request"),
    ],
)
def test_a_review_that_github_would_refuse_is_refused(
    stand_in: StandIn, github: httpx.Client, review: dict[str, Any], message: str
) -> None:
    refused = post(github, **review)
    assert (refused.status_code, messages(refused)) == (422, [message])
    assert stored(stand_in) == []


def test_the_longest_body_and_a_review_of_comments_alone_are_accepted(github: httpx.Client) -> None:
    assert post(github, body="ä" * 65_536).status_code == 200
    assert post(github, APP | {"line": 50}, body=None).status_code == 200
    assert post(github, body=None, event="APPROVE").json()["state"] == "APPROVED"


def test_the_base_and_a_commit_that_was_pushed_away_are_not_part_of_the_pull_request(
    stand_in: StandIn, github: httpx.Client, clone: Path
) -> None:
    assert post(github, commit_id=git(clone, "rev-parse", "main")).status_code == 422
    stand_in.push("acme/shop", 1, "later")
    assert post(github, commit_id=git(clone, "rev-parse", "feature")).status_code == 200
    stand_in.push("acme/shop", 1, "feature")
    assert post(github, commit_id=git(clone, "rev-parse", "later")).status_code == 422


def test_lines_are_those_of_the_commit_that_the_review_names(
    stand_in: StandIn, github: httpx.Client, clone: Path
) -> None:
    third = {"path": "new.py", "line": 3, "body": "x"}
    stand_in.push("acme/shop", 1, "later")
    assert post(github, third, commit_id=git(clone, "rev-parse", "feature")).status_code == 422
    assert post(github, third).status_code == 200


def test_without_an_event_a_review_waits_and_blocks_every_other(stand_in: StandIn, github: httpx.Client) -> None:
    pending = post(github, APP | {"line": 50}, event=None).json()
    assert pending["state"] == "PENDING"
    assert "submitted_at" not in pending
    for event in ("COMMENT", None):
        refused = post(github, event=event)
        assert messages(refused) == ["User can only have one pending review per pull request"]
    deleted = github.delete(f"{REVIEWS}/{pending['id']}")
    assert (deleted.status_code, deleted.json()["id"]) == (200, pending["id"])
    assert github.get(f"{PULL}/comments").json() == []
    assert post(github).status_code == 200


def test_a_waiting_review_can_be_submitted(github: httpx.Client) -> None:
    pending = post(github, event=None).json()
    events = f"{REVIEWS}/{pending['id']}/events"
    assert github.post(events, json={"event": "COMMENT"}).json()["state"] == "COMMENTED"
    assert github.post(events, json={"event": "COMMENT"}).status_code == 422


def test_a_submitted_review_cannot_be_deleted_but_edited(github: httpx.Client) -> None:
    review = post(github).json()
    refused = github.delete(f"{REVIEWS}/{review['id']}")
    assert messages(refused) == ["Can not delete a non-pending pull request review"]
    assert github.put(f"{REVIEWS}/{review['id']}", json={"body": "Better."}).json()["body"] == "Better."
    assert github.get(f"{REVIEWS}/{review['id']}").json()["body"] == "Better."
    assert github.put(f"{REVIEWS}/{review['id']}", json={"body": ""}).status_code == 422


def test_nobody_approves_their_own_pull_request(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.open_pull_request("acme/shop", "main", "later", author="ai-code-review[bot]")
    reviews = "/repos/acme/shop/pulls/2/reviews"
    for event, message in (
        ("APPROVE", "Can not approve your own pull request"),
        ("REQUEST_CHANGES", "Can not request changes on your own pull request"),
    ):
        assert messages(github.post(reviews, json={"event": event, "body": "x"})) == [message]
    assert github.post(reviews, json={"event": "COMMENT", "body": "x"}).status_code == 200


def test_reviews_of_others_are_listed_but_not_ours_to_change(stand_in: StandIn, github: httpx.Client) -> None:
    theirs = stand_in.review("acme/shop", 1, {"event": "COMMENT", "body": "Copied <!-- marker -->"}, author="mallory")
    stand_in.review("acme/shop", 1, {"body": "not sent yet"}, author="kim")
    ours = post(github).json()
    listed = github.get(REVIEWS).json()
    assert [(one["id"], one["user"]["login"]) for one in listed] == [
        (theirs["id"], "mallory"),
        (ours["id"], "ai-code-review[bot]"),
    ]
    assert github.put(f"{REVIEWS}/{theirs['id']}", json={"body": "x"}).status_code == 403


def test_reviews_come_in_pages_oldest_first(github: httpx.Client) -> None:
    ids = [post(github).json()["id"] for _ in range(5)]
    first = github.get(REVIEWS, params={"per_page": "3"})
    assert [one["id"] for one in first.json()] == ids[:3]
    assert [one["id"] for one in github.get(first.links["next"]["url"]).json()] == ids[3:]
