"""Threads of comments: listed for whoever reads pull requests, resolved only by who may write code."""

from typing import Any

import httpx
import pytest

from local.github import StandIn
from tests.infra.github_stand_in.world import PULL, client, token

THREADS = """query($first: Int, $after: String) { repository(owner: "acme", name: "shop") { pullRequest(number: 1) {
    reviewThreads(first: $first, after: $after) { totalCount pageInfo { endCursor hasNextPage }
        nodes { id isResolved path line comments(first: 5) { totalCount nodes { body databaseId } } } } } } }"""
RESOLVE = """mutation($id: ID!) { resolveReviewThread(input: {threadId: $id, clientMutationId: "m"}) {
    clientMutationId thread { id isResolved } } }"""


def ask(github: httpx.Client, query: str, **variables: Any) -> dict[str, Any]:
    return dict(github.post("/graphql", json={"query": query, "variables": variables}).json())


def threads(github: httpx.Client, **page: Any) -> dict[str, Any]:
    answer = ask(github, THREADS, **({"first": 100} | page))
    found: dict[str, Any] = answer["data"]["repository"]["pullRequest"]["reviewThreads"]
    return found


@pytest.fixture
def comment_id(github: httpx.Client) -> int:
    """The first of two threads; it has an answer."""
    places = [{"path": "app.py", "line": line, "body": f"on {line}"} for line in (50, 51)]
    review = github.post(f"{PULL}/reviews", json={"event": "COMMENT", "body": "x", "comments": places}).json()
    comments = github.get(f"{PULL}/reviews/{review['id']}/comments").json()
    first = int(comments[0]["id"])
    github.post(f"{PULL}/comments/{first}/replies", json={"body": "an answer"})
    return first


def test_a_comment_and_its_answers_are_one_thread(github: httpx.Client, comment_id: int) -> None:
    found = threads(github)
    assert found["totalCount"] == 2
    first = found["nodes"][0]
    assert (first["path"], first["line"], first["isResolved"]) == ("app.py", 50, False)
    assert [one["body"] for one in first["comments"]["nodes"]] == ["on 50", "an answer"]
    assert first["comments"]["nodes"][0]["databaseId"] == comment_id


def test_threads_come_in_pages_that_must_be_asked_for(github: httpx.Client, comment_id: int) -> None:
    assert comment_id
    first = threads(github, first=1)
    assert first["pageInfo"]["hasNextPage"]
    last = threads(github, first=1, after=first["pageInfo"]["endCursor"])
    assert not last["pageInfo"]["hasNextPage"]
    assert first["nodes"] != last["nodes"]
    assert ask(github, THREADS)["errors"][0]["type"] == "MISSING_PAGINATION_BOUNDARIES"


def test_without_the_right_to_write_code_no_thread_is_resolved(
    github: httpx.Client, comment_id: int, stand_in: StandIn
) -> None:
    assert comment_id
    answer = ask(github, RESOLVE, id=threads(github)["nodes"][0]["id"])
    assert [error["type"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert answer["data"] == {"resolveReviewThread": None}
    assert not any(one["isResolved"] for one in threads(github)["nodes"])
    assert stand_in.violations == []


def test_with_it_a_thread_is_resolved_and_again_changes_nothing(
    comment_id: int, stand_in: StandIn, installation_id: int
) -> None:
    assert comment_id
    stand_in.world.installations[installation_id].permissions["contents"] = "write"
    with client(stand_in, token(stand_in, installation_id)) as github:
        for _ in range(2):
            answer = ask(github, RESOLVE, id=threads(github)["nodes"][0]["id"])["data"]["resolveReviewThread"]
            assert (answer["clientMutationId"], answer["thread"]["isResolved"]) == ("m", True)
        assert [one["isResolved"] for one in threads(github)["nodes"]] == [True, False]
        assert ask(github, RESOLVE, id="PRRT_none")["errors"][0]["type"] == "NOT_FOUND"


def test_a_pull_request_that_is_not_there_is_not_found(github: httpx.Client) -> None:
    answer = ask(github, THREADS.replace("number: 1", "number: 99"), first=1)
    assert [error["type"] for error in answer["errors"]] == ["NOT_FOUND"]
