"""The product's own adapter against the stand-in: everything it sends is in GitHub's description."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from codereview.adapters.github.app import GitHubApp
from codereview.adapters.github.tokens import AppCredentials
from codereview.adapters.http import outbound_client
from codereview.domain.change import FileStatus, Unreviewable
from codereview.domain.finding import Side
from codereview.domain.publication import CheckOutput, Conclusion, Publication, ReviewComment
from codereview.errors import NotFoundError, PermanentError
from codereview.github_ports import Repository
from local.github import StandIn
from tests.infra.github_stand_in.world import Clock


class Time:
    """The product's clock, driven by the stand-in's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now

    def sleep(self, duration: timedelta) -> None:
        self._clock.now += duration


@pytest.fixture
def app(stand_in: StandIn, clock: Clock) -> Iterator[GitHubApp]:
    with outbound_client(transport=httpx.HTTPTransport()) as http:
        credentials = AppCredentials(app_id=stand_in.app_id, private_key=stand_in.private_key_pem)
        yield GitHubApp(http, api_url=stand_in.url, credentials=credentials, clock=Time(clock), jitter=lambda: 0.0)
        assert stand_in.violations == []


@pytest.fixture
def repository(app: GitHubApp, stand_in: StandIn, installation_id: int) -> Repository:
    found = stand_in.world.repository("acme/shop")
    assert found is not None
    return app.repository(installation_id, found.id)


def publication(commit_id: str, *lines: int) -> Publication:
    comments = tuple(ReviewComment(path="app.py", body="Look.", line=line, side=Side.RIGHT) for line in lines)
    check = CheckOutput(conclusion=Conclusion.NEUTRAL, title="1 finding", summary="See the review.")
    return Publication(commit_id=commit_id, body="A review.", comments=comments, check=check)


def test_a_change_is_read_whole(repository: Repository) -> None:
    pull = repository.pull_request(1)
    files = {file.path: file for file in repository.changed_files(pull)}
    assert len(files) == pull.changed_files == 5
    assert files["new name.py"].status is FileStatus.RENAMED
    assert files["gone.py"].unreviewable is Unreviewable.DELETED
    assert files["app.py"].hunks[0].rows
    assert repository.content("new.py", pull.head_sha) == b"print(1)\nprint(2)\n"
    assert repository.content("new.py", pull.base_sha) is None
    assert repository.content("src/größe.txt", "main") == "äöü\n".encode()
    in_bulk = repository.contents(["new.py", "gone.py", "logo.bin", "src/größe.txt", "src"], pull.head_sha)
    assert in_bulk == {path: repository.content(path, pull.head_sha) for path in in_bulk}
    assert in_bulk["logo.bin"] == bytes(reversed(range(256)))


def test_a_review_and_a_check_run_are_written_and_found_again(stand_in: StandIn, repository: Repository) -> None:
    head = repository.pull_request(1).head_sha
    run = repository.start_check_run(head, "AI Code Review", external_id="r-1")
    review = repository.create_review(1, publication(head, 50, 51), repository.write_slot())
    assert (review.is_ours, review.is_pending, review.commit_id) == (True, False, head)
    assert list(repository.reviews(1)) == [review]
    assert [comment.path for comment in repository.review_comments(1, review.id)] == ["app.py", "app.py"]
    repository.finish_check_run(run.id, publication(head).check)
    assert [(one.id, one.status) for one in repository.check_runs(head, "AI Code Review")] == [(run.id, "completed")]
    assert stand_in.posted("acme/shop")["check_runs"][0]["conclusion"] == "neutral"


def test_a_line_outside_the_diff_is_refused(stand_in: StandIn, repository: Repository) -> None:
    off_the_diff = publication(repository.pull_request(1).head_sha, 1)
    with pytest.raises(PermanentError):
        repository.create_review(1, off_the_diff, repository.write_slot())
    assert stand_in.posted("acme/shop")["reviews"] == []


def test_who_may_write_is_asked_by_number(stand_in: StandIn, repository: Repository) -> None:
    stand_in.grant("acme/shop", "kim", "maintain")
    stand_in.grant("acme/shop", "lee", "read")
    answers = {name: repository.has_write_access(stand_in.world.account(name).id) for name in ("kim", "lee", "eve")}
    assert answers == {"kim": True, "lee": False, "eve": False}
    assert not repository.has_write_access(1)


def test_a_rename_and_an_hour_later_go_unnoticed(stand_in: StandIn, clock: Clock, repository: Repository) -> None:
    stand_in.rename_repository("acme/shop", "store")
    clock.advance(hours=2)
    assert repository.pull_request(1).title == "Change everything"


def test_a_suspended_or_deleted_installation_is_for_ever(
    stand_in: StandIn, app: GitHubApp, installation_id: int
) -> None:
    for action in ("suspend", "deleted"):
        stand_in.change_installation(installation_id, action)
        with pytest.raises(PermanentError):
            app.repository(installation_id, 1)
    with pytest.raises(NotFoundError):
        app.repository(installation_id, 1)
