"""The kinds of fault that GitHub and models have, over HTTP, each once at every request and each for hours.

Our GitHub adapter and a model's adapter speak to a stand-in and to a made-up provider; between them and these stands a
transport that lets requests go wrong. AWS is in memory.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

import httpx
import pytest

from codereview.adapters.http import outbound_client
from codereview.adapters.models.openai import OpenAIModel
from codereview.domain.review import Parked, Posted
from codereview.use_cases.review_pull_request import ReviewPullRequest
from local.github import StandIn
from tests.scenarios.events import NOW
from tests.scenarios.real_changes import KEY, NAME, OWNER, RealChanges, build_repository, text

HOURS = timedelta(hours=4)
AGENTS = 5  # that have something to ask about this change
HEAD = {"README": text("kept\n"), "a.py": text("import os\n\n\ndef f(x=[]):\n    return x\n")}

type Send = Callable[[], httpx.Response]
type Kind = Callable[[httpx.Request, Send], httpx.Response]


# --- what goes wrong


def bad_gateway(_: httpx.Request, _send: Send) -> httpx.Response:
    return httpx.Response(502, html="<h1>502 Bad Gateway</h1>")


def bad_gateway_after_it_was_done(_: httpx.Request, send: Send) -> httpx.Response:
    send()
    return httpx.Response(502, html="<h1>502 Bad Gateway</h1>")


def primary_limit(_: httpx.Request, _send: Send) -> httpx.Response:
    return httpx.Response(429, headers={"retry-after": "90"}, json={"message": "API rate limit exceeded"})


def secondary_limit(_: httpx.Request, _send: Send) -> httpx.Response:
    return httpx.Response(403, json={"message": "You have exceeded a secondary rate limit."})


def dropped_connection(request: httpx.Request, send: Send) -> httpx.Response:
    send()
    raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)


def refused_connection(request: httpx.Request, _send: Send) -> httpx.Response:
    raise httpx.ConnectError("[Errno 111] Connection refused", request=request)


def token_500(_: httpx.Request, _send: Send) -> httpx.Response:
    return httpx.Response(500, json={"message": "Server Error"})


def refused_jwt(_: httpx.Request, _send: Send) -> httpx.Response:
    return httpx.Response(401, json={"message": "A JSON web token could not be decoded"})


# Only the App's own requests go wrong so.
OF_TOKENS: tuple[Kind, ...] = (token_500, refused_jwt)

GITHUB_KINDS: tuple[Kind, ...] = (
    bad_gateway,
    bad_gateway_after_it_was_done,
    primary_limit,
    secondary_limit,
    dropped_connection,
    refused_connection,
    *OF_TOKENS,
)


def completion(content: str, finish: str = "stop") -> httpx.Response:
    choice = {"message": {"role": "assistant", "content": content}, "finish_reason": finish}
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    return httpx.Response(200, json={"choices": [choice], "usage": usage})


def hung(request: httpx.Request, _: Send) -> httpx.Response:
    raise httpx.ReadTimeout("the deadline has passed", request=request)


def overloaded(_: httpx.Request, _send: Send) -> httpx.Response:
    return httpx.Response(500, json={"error": {"type": "server_error", "message": "overloaded"}})


def throttled(_: httpx.Request, _send: Send) -> httpx.Response:
    return httpx.Response(429, json={"error": {"type": "rate_limit_exceeded", "message": "slow down"}})


def truncated(_: httpx.Request, _send: Send) -> httpx.Response:
    return completion('{"findings": [{"path": "a.py", "quo', "length")


def empty(_: httpx.Request, _send: Send) -> httpx.Response:
    return completion("")


def prose(_: httpx.Request, _send: Send) -> httpx.Response:
    return completion("This change looks good to me! I found no problems at all.")


PASSING: tuple[Kind, ...] = (throttled, overloaded, hung)  # the review waits for their end
USELESS: tuple[Kind, ...] = (truncated, empty, prose)  # the agent is asked once more, and then has failed


# --- where it goes wrong


@dataclass
class Faulty(httpx.BaseTransport):
    """Lets requests go wrong, from the `first` on, `most` of them, up to a moment of the world's time."""

    send: Callable[[httpx.Request], httpx.Response]
    now: Callable[[], datetime]
    kind: Kind | None = None
    first: int = 0
    most: int = 1
    until: datetime | None = None
    requests: int = 0
    hits: int = 0
    lock: Lock = field(default_factory=Lock)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            is_hit = self.kind is not None and self.requests >= self.first and self.hits < self.most
            is_hit = is_hit and (self.until is None or self.now() < self.until)
            is_hit = is_hit and (self.kind not in OF_TOKENS or request.url.path.endswith("/access_tokens"))
            self.requests += 1
            self.hits += is_hit
        if not is_hit or self.kind is None:
            return self.send(request)
        return self.kind(request, lambda: self.send(request))


@dataclass
class Provider:
    """A model's provider that finds nothing, and counts how often a worker asks it the same."""

    asked: Counter[tuple[int, str]] = field(default_factory=Counter)
    worker: int = 0

    def note(self, request: httpx.Request) -> None:
        """Count a question; one that was asked again for a better answer is the same."""
        task: str = json.loads(request.content)["messages"][1]["content"]
        self.asked[self.worker, task.partition("\n\nYour previous answer could not be used")[0]] += 1


@dataclass
class FaultyWorld(RealChanges):
    """A pull request between a faulty GitHub and a faulty model."""

    provider: Provider = field(default_factory=Provider)
    to_github: Faulty | None = None
    to_model: Faulty | None = None

    def reviewer(self) -> ReviewPullRequest:
        self.provider.worker += 1
        return super().reviewer()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_repository(tmp_path_factory.mktemp("faults") / "clone.git", {"README": text("kept\n")}, HEAD)


@contextmanager
def faulty(clone: Path) -> Iterator[tuple[FaultyWorld, Faulty, Faulty]]:
    """Open the pull request; returns its world and the two ways out of it."""
    world = FaultyWorld()
    inner = httpx.HTTPTransport()
    to_github = Faulty(inner.handle_request, lambda: world.now)

    def answer(_: httpx.Request) -> httpx.Response:
        return completion('{"findings": []}')

    to_model = Faulty(answer, lambda: world.now)

    def ask(request: httpx.Request) -> httpx.Response:
        world.provider.note(request)
        return to_model.handle_request(request)

    with (
        inner,
        StandIn(clock=lambda: world.now, key=KEY) as stand_in,
        outbound_client(transport=to_github) as http,
        outbound_client(transport=httpx.MockTransport(ask)) as model,
    ):
        world.stand_in, world.http = stand_in, http
        world.model = OpenAIModel("gpt-test", http=model, api_key="k", url="https://models.example/v1")
        added = stand_in.add_repository(str(clone), OWNER, NAME)
        world.installation_id = int(added["installation_id"])
        stand_in.open_pull_request(f"{OWNER}/{NAME}", "main", "change")
        yield world, to_github, to_model


def expect_one_review(world: FaultyWorld) -> dict[str, Any]:
    """Hold that it ended with one review, one check run, one record, and no dead letter."""
    posted = world.posted
    (review,) = posted["reviews"]
    assert [run["status"] for run in posted["check_runs"]] == ["completed"]
    assert world.dead_letters == []
    assert {message.review_id for message in world.recorded} == {item.key.review_id for item in world.items.values()}
    assert not world.waits
    assert max(world.provider.asked.values()) <= 2
    bodies = [comment["body"] for comment in review["comments"]]
    assert bodies
    assert len(set(bodies)) == len(bodies)
    return {**review}


# Where there is one of two that mean the same to us, the other is one of the long proofs.
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=pytest.mark.long if kind in (bad_gateway, primary_limit, refused_connection) else [])
        for kind in GITHUB_KINDS
    ],
    ids=lambda kind: kind.__name__,
)
def test_f41_f42_f46_f49_f54_whichever_request_to_github_goes_wrong_once_there_is_one_review(
    clone: Path, kind: Kind
) -> None:
    for first in count():
        with faulty(clone) as (world, to_github, _):
            to_github.kind, to_github.first = kind, first
            assert isinstance(world.deliver(world.event()), Posted)
            expect_one_review(world)
            # Each question is bought once: GitHub's trouble costs no model's answer.
            assert sum(world.provider.asked.values()) == AGENTS
            if to_github.hits == 0:
                assert first > (0 if kind in OF_TOKENS else 12)
                return


@pytest.mark.parametrize(
    "first", [pytest.param(0, marks=pytest.mark.long), 7, pytest.param(12, marks=pytest.mark.long)]
)
@pytest.mark.parametrize("kind", GITHUB_KINDS, ids=lambda kind: kind.__name__)
def test_f19_f46_f54_whatever_is_wrong_with_github_for_hours_is_waited_for(clone: Path, kind: Kind, first: int) -> None:
    with faulty(clone) as (world, to_github, _):
        to_github.kind, to_github.first, to_github.most, to_github.until = kind, first, 1_000, NOW + HOURS
        outcome = world.receive(world.event())
        assert world.dead_letters == []
        assert isinstance(outcome, Parked | Posted)
        world.settle()
        expect_one_review(world)
        # Once there is a token, none is asked for any more.
        assert (to_github.hits == 0) is (kind in OF_TOKENS and first > 0 and isinstance(outcome, Posted))
        assert to_github.hits <= 100
        assert sum(world.provider.asked.values()) == AGENTS


@pytest.mark.parametrize("kind", PASSING, ids=lambda kind: kind.__name__)
def test_f55_f58_a_model_that_is_out_of_order_once_is_asked_that_again_and_nothing_else(
    clone: Path, kind: Kind
) -> None:
    for first in range(AGENTS):
        with faulty(clone) as (world, _, to_model):
            to_model.kind, to_model.first = kind, first
            assert isinstance(world.receive(world.event()), Parked)
            world.settle()
            assert "incomplete" not in expect_one_review(world)["body"]
            assert to_model.hits == 1
            assert sum(world.provider.asked.values()) == AGENTS + 1


@pytest.mark.parametrize("kind", PASSING, ids=lambda kind: kind.__name__)
def test_f19_f55_f58_a_model_that_is_out_of_order_for_hours_is_waited_for(clone: Path, kind: Kind) -> None:
    with faulty(clone) as (world, _, to_model):
        to_model.kind, to_model.most, to_model.until = kind, 1_000, NOW + HOURS
        assert isinstance(world.receive(world.event()), Parked)
        world.settle()
        assert world.now > NOW + HOURS
        assert "incomplete" not in expect_one_review(world)["body"]
        # Some fourteen attempts in four hours, none of which asks more than it has to.
        assert world.provider.worker <= 20
        assert to_model.hits <= 20 * AGENTS


@pytest.mark.parametrize("kind", USELESS, ids=lambda kind: kind.__name__)
def test_f56_f57_f58_a_useless_answer_is_asked_for_once_more(clone: Path, kind: Kind) -> None:
    for first in range(AGENTS):
        with faulty(clone) as (world, _, to_model):
            to_model.kind, to_model.first = kind, first
            assert isinstance(world.deliver(world.event()), Posted)
            assert "incomplete" not in expect_one_review(world)["body"]
            assert sum(world.provider.asked.values()) == AGENTS + 1


@pytest.mark.parametrize("kind", USELESS, ids=lambda kind: kind.__name__)
def test_f56_f57_f58_a_model_that_gives_no_useful_answer_is_asked_twice_and_the_review_says_so(
    clone: Path, kind: Kind
) -> None:
    with faulty(clone) as (world, _, to_model):
        to_model.kind, to_model.most = kind, 1_000
        assert isinstance(world.deliver(world.event()), Posted)
        assert f"incomplete, {AGENTS} of" in expect_one_review(world)["body"]
        assert sum(world.provider.asked.values()) == 2 * AGENTS
        assert set(world.provider.asked.values()) == {2}


def test_the_provider_is_asked_once_by_each_agent_where_nothing_goes_wrong(clone: Path) -> None:
    with faulty(clone) as (world, to_github, to_model):
        assert isinstance(world.deliver(world.event()), Posted)
        expect_one_review(world)
        assert (to_github.hits, to_model.hits) == (0, 0)
        assert list(world.provider.asked.values()) == [1] * AGENTS
