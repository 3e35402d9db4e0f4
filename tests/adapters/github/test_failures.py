"""What each of GitHub's refusals means, and how long it makes us wait."""

from datetime import timedelta

import httpx
import pytest

from codereview.adapters.github.failures import LONGEST_WAIT, SHORTEST_WAIT, failure
from codereview.errors import (
    ForbiddenError,
    NotFoundError,
    PermanentError,
    RejectedError,
    RetryableError,
    ThrottledError,
    UnknownOutcomeError,
)
from tests.adapters.github.world import NOW

RESET_IN_90_S = str(int((NOW + timedelta(seconds=90)).timestamp()))
RESET_BEFORE = str(int((NOW - timedelta(seconds=90)).timestamp()))


def said(status: int, *, headers: dict[str, str] | None = None, body: object = None, method: str = "GET") -> Exception:
    request = httpx.Request(method, "https://api.github.test/repos/o/r")
    problem = failure(httpx.Response(status, headers=headers, json=body or {}, request=request), now=NOW)
    assert problem is not None
    return problem


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "30"}, timedelta(seconds=30)),
        ({"retry-after": "Sun, 15 Mar 2026 12:02:00 GMT"}, timedelta(minutes=2)),
        (
            {"retry-after": "30", "x-ratelimit-remaining": "0", "x-ratelimit-reset": RESET_IN_90_S},
            timedelta(seconds=30),
        ),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": RESET_IN_90_S}, timedelta(seconds=90)),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": RESET_BEFORE}, SHORTEST_WAIT),
        ({"x-ratelimit-remaining": "0"}, SHORTEST_WAIT),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, SHORTEST_WAIT),
        ({}, SHORTEST_WAIT),
        ({"retry-after": "1000000000"}, LONGEST_WAIT),
        ({"retry-after": "-5"}, SHORTEST_WAIT),
        ({"retry-after": "1.5"}, timedelta(seconds=1.5)),
        ({"retry-after": ""}, SHORTEST_WAIT),
        ({"retry-after": "0"}, SHORTEST_WAIT),
        ({"retry-after": "Sun, 15 Mar 2026 12:02:00 -0000"}, timedelta(minutes=2)),
        # Its own clock counts, not ours, which is an hour behind here.
        (
            {"retry-after": "Sun, 15 Mar 2026 13:02:00 GMT", "date": "Sun, 15 Mar 2026 13:00:00 GMT"},
            timedelta(minutes=2),
        ),
        ({"retry-after": "Sun, 15 Mar 2026 11:00:00 GMT"}, SHORTEST_WAIT),
    ],
)
def test_f46_b99_a_rate_limit_is_waited_for_as_github_says(headers: dict[str, str], wait: timedelta) -> None:
    problem = said(429, headers=headers)
    assert isinstance(problem, ThrottledError)
    assert problem.retry_after == wait


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"retry-after": "60"}, "Forbidden"),
        ({"x-ratelimit-remaining": "0"}, "API rate limit exceeded for installation"),
        ({}, "You have exceeded a secondary rate limit"),
    ],
)
def test_f46_a_403_that_speaks_of_limits_is_one(headers: dict[str, str], message: str) -> None:
    assert isinstance(said(403, headers=headers, body={"message": message}), ThrottledError)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, PermanentError),
        (401, ForbiddenError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (410, NotFoundError),
        (422, RejectedError),
        (451, ForbiddenError),
        (500, RetryableError),
        (502, RetryableError),
        (503, RetryableError),
    ],
)
def test_every_other_refusal_is_for_ever_unless_the_server_broke(status: int, expected: type[Exception]) -> None:
    assert type(said(status, body={"message": "no"})) is expected


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_f42_a_broken_server_leaves_a_write_in_doubt(method: str) -> None:
    assert isinstance(said(502, method=method), UnknownOutcomeError)


@pytest.mark.parametrize("content", [b"<html>502</html>", b"", b"[1]", b"\xff"])
def test_f53_a_refusal_that_is_not_githubs_document_is_still_understood(content: bytes) -> None:
    request = httpx.Request("GET", "https://api.github.test/x")
    assert isinstance(failure(httpx.Response(502, content=content, request=request), now=NOW), RetryableError)


def test_a_refusals_text_names_the_call_and_is_cut() -> None:
    assert str(said(422, body={"message": "Unprocessable Entity", "errors": ["x" * 1000]})).startswith(
        "GitHub answered 422 to GET /repos/o/r: Unprocessable Entity"
    )
    assert len(str(said(422, body={"message": "x" * 1000}))) < 400
