"""The product's own adapter while GitHub's answers break off: reads are repeated, writes are left in doubt."""

from collections.abc import Iterator

import httpx
import pytest

from codereview.adapters.github.app import GitHubApp
from codereview.adapters.github.tokens import AppCredentials
from codereview.adapters.http import outbound_client
from codereview.domain.publication import CheckOutput, Conclusion, Publication
from codereview.errors import RetryableError, UnknownOutcomeError
from codereview.github_ports import Repository
from local.github import Fault, StandIn
from tests.infra.github_stand_in.test_stand_in_and_adapter import Time
from tests.infra.github_stand_in.world import Clock

CUTS = {"before": Fault.cut_before(), "after": Fault.cut_after(), "in the middle": Fault.truncated()}
EACH_CUT = pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())


@pytest.fixture
def repository(stand_in: StandIn, installation_id: int, clock: Clock) -> Iterator[Repository]:
    with outbound_client(transport=httpx.HTTPTransport()) as http:
        credentials = AppCredentials(app_id=stand_in.app_id, private_key=stand_in.private_key_pem)
        app = GitHubApp(http, api_url=stand_in.url, credentials=credentials, clock=Time(clock), jitter=lambda: 0.0)
        found = stand_in.world.repository("acme/shop")
        assert found is not None
        yield app.repository(installation_id, found.id)


@EACH_CUT
def test_f53_a_read_that_breaks_off_twice_is_repeated(repository: Repository, stand_in: StandIn, cut: Fault) -> None:
    stand_in.script("pulls/get", [cut, cut])
    assert repository.pull_request(1).number == 1


@EACH_CUT
def test_f53_a_read_that_breaks_off_each_time_is_given_up(
    repository: Repository, stand_in: StandIn, cut: Fault
) -> None:
    stand_in.script("pulls/get", [cut] * 10)
    with pytest.raises(RetryableError):
        repository.pull_request(1)
    assert [one["operation"] for one in stand_in.requests].count("pulls/get") == 3


@EACH_CUT
def test_f41_f53_a_post_whose_answer_breaks_off_is_in_doubt_and_never_sent_again(
    repository: Repository, stand_in: StandIn, cut: Fault
) -> None:
    pull = repository.pull_request(1)
    stand_in.script("pulls/create-review", [cut])
    check = CheckOutput(conclusion=Conclusion.NEUTRAL, title="t", summary="s")
    review = Publication(commit_id=pull.head_sha, body="A review.", comments=(), check=check)
    with pytest.raises(UnknownOutcomeError):
        repository.create_review(1, review, repository.write_slot())
    assert [one["operation"] for one in stand_in.requests].count("pulls/create-review") == 1
    assert len(list(repository.reviews(1))) == cut.is_done
