"""GitHub's limits as it documents them: refused, told in each of its ways, and counted for the test to read."""

from datetime import timedelta

import httpx
import pytest

from local.github import Fault, StandIn
from local.github.gate import STYLES
from local.github.meters import Ceilings, Meter
from tests.infra.github_stand_in.world import PULL, ROOT, Clock

COMMENT = {"body": "x"}
COMMENTS = f"{ROOT}/issues/1/comments"


def limits_broken(stand_in: StandIn) -> list[str]:
    return [violation["limit"] for violation in stand_in.limit_violations]


def test_the_eighty_first_creation_of_a_minute_is_refused_until_the_first_is_a_minute_old(
    stand_in: StandIn, github: httpx.Client, clock: Clock
) -> None:
    for _ in range(80):
        assert github.post(COMMENTS, json=COMMENT).status_code == 201
        clock.advance(seconds=0.5)
    refused = github.post(COMMENTS, json=COMMENT)
    assert (refused.status_code, refused.headers["Retry-After"]) == (403, "20")
    assert "secondary rate limit" in refused.json()["message"]
    assert limits_broken(stand_in) == ["content_per_minute"]
    assert github.get(PULL).status_code == 200  # reading is something else
    clock.advance(seconds=20)
    assert github.post(COMMENTS, json=COMMENT).status_code == 201
    (peaks,) = stand_in.peaks.values()
    assert (peaks["content_per_minute"], peaks["hasty_writes"]) == (80, 79)


def test_the_five_hundred_and_first_creation_of_an_hour_is_refused() -> None:
    meter, now = Meter(), 0.0
    for _ in range(500):
        assert meter.charge(now, is_read=False, is_content=True, ceilings=Ceilings()) is None
        now += 1
    excess = meter.charge(now, is_read=False, is_content=True, ceilings=Ceilings())
    assert excess is not None
    assert (excess.limit, excess.wait) == ("content_per_hour", 3_100)
    assert meter.charge(now, is_read=False, is_content=False, ceilings=Ceilings()) is None
    assert meter.charge(3_600, is_read=False, is_content=True, ceilings=Ceilings()) is None
    assert meter.hasty_writes == 0


def test_reads_cost_one_point_and_writes_five(stand_in: StandIn, github: httpx.Client, clock: Clock) -> None:
    stand_in.set_limits(points_per_minute=7)
    assert github.post(COMMENTS, json=COMMENT).status_code == 201
    assert [github.get(PULL).status_code for _ in range(3)] == [200, 200, 403]
    assert limits_broken(stand_in) == ["points_per_minute"]
    clock.advance(minutes=1)
    assert github.get(PULL).status_code == 200


@pytest.mark.parametrize("style", STYLES)
def test_a_secondary_limit_is_told_in_each_of_githubs_ways(
    stand_in: StandIn, github: httpx.Client, clock: Clock, style: str
) -> None:
    stand_in.set_limits(points_per_minute=0, secondary_style=style)
    stand_in.script("pulls/get", [Fault.none(), Fault.limited(style, 60)])
    reset = str(int((clock.now + timedelta(seconds=60)).timestamp()))
    for _ in range(2):
        answer = github.get(PULL)
        told = (answer.headers.get("Retry-After"), answer.headers.get("X-RateLimit-Remaining") == "0")
        expected = {"retry-after": ("60", False), "reset": (None, True), "bare": (None, False)}
        assert (answer.status_code, told) == (int(style[:3]), expected[style.partition(" ")[2]])
        assert (answer.headers.get("X-RateLimit-Reset") == reset) == (style == "403 reset")


def test_the_hundred_and_first_at_once_is_refused(
    stand_in: StandIn, github: httpx.Client, installation_id: int
) -> None:
    meter = stand_in.world.meters[installation_id]
    meter.running = 99  # that many others are still being answered
    assert github.get(PULL).status_code == 200
    meter.running += 1
    assert github.get(PULL).status_code == 403
    assert limits_broken(stand_in) == ["concurrent"]
    assert meter.running == 100  # who has been answered is not counted any more


def test_one_installations_limit_is_no_others(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.set_limits(requests_per_hour=1)
    assert [github.get(PULL).status_code for _ in range(2)] == [200, 403]
    (violation,) = stand_in.limit_violations
    assert (violation["limit"], violation["operation"]) == ("requests_per_hour", "pulls/get")
    assert stand_in.world.meters[violation["installation_id"] + 1].peaks == {}


def test_what_has_not_changed_costs_nothing_of_the_hour(github: httpx.Client) -> None:
    first = github.get(PULL)
    again = github.get(PULL, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.headers["X-RateLimit-Remaining"] == first.headers["X-RateLimit-Remaining"]


def test_the_hours_limit_grows_with_the_installations_repositories(stand_in: StandIn, github: httpx.Client) -> None:
    (installation,) = stand_in.world.installations.values()
    own = set(installation.repository_ids)
    for repositories, limit in ((20, 5_000), (22, 5_100), (1_000, 12_500)):
        installation.repository_ids = own | set(range(repositories - len(own)))
        assert github.get(PULL).headers["X-RateLimit-Limit"] == str(limit)


def test_violations_and_peaks_can_be_read_from_another_process(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.set_limits(content_per_minute=0)
    github.post(COMMENTS, json=COMMENT)
    with httpx.Client(base_url=stand_in.url) as launcher:
        (violation,) = launcher.get("/_control/limit_violations").json()
        (peaks,) = launcher.get("/_control/peaks").json().values()
    assert (violation["limit"], violation["operation"]) == ("content_per_minute", "issues/create-comment")
    assert set(peaks) == {"hasty_writes"}


def test_a_refused_review_is_stored_without_its_comments_or_not_at_all(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.script("pulls/create-review", [Fault.refused(), Fault.refused_but_kept()])
    review = {"event": "COMMENT", "body": "x", "comments": [{"path": "app.py", "line": 50, "body": "y"}]}
    for stored in (0, 1):
        answer = github.post(f"{PULL}/reviews", json=review)
        assert (answer.status_code, answer.json()["message"]) == (422, "Unprocessable Entity")
        reviews = stand_in.posted("acme/shop")["reviews"]
        assert [len(one["comments"]) for one in reviews] == [0] * stored


def test_an_answer_can_break_off_in_the_middle(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.script("issues/create-comment", [Fault.truncated()])
    with pytest.raises(httpx.RemoteProtocolError):
        github.post(COMMENTS, json=COMMENT)
    assert len(stand_in.posted("acme/shop")["comments"]) == 1
    assert github.get(PULL).status_code == 200
