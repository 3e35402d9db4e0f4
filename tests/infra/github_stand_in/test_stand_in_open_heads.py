"""What the sweep lists, as our own adapter asks the stand-in for it."""

from collections.abc import Iterator

import httpx
import pytest

from codereview.adapters.github.app import GitHubApp
from codereview.adapters.github.open_heads import GitHubOpenHeads
from codereview.adapters.github.tokens import AppCredentials
from codereview.adapters.http import outbound_client
from local.github import StandIn
from tests.infra.github_stand_in.test_stand_in_and_adapter import Time
from tests.infra.github_stand_in.world import Clock


@pytest.fixture
def lists(stand_in: StandIn, clock: Clock) -> Iterator[GitHubOpenHeads]:
    with outbound_client(transport=httpx.HTTPTransport()) as http:
        credentials = AppCredentials(app_id=stand_in.app_id, private_key=stand_in.private_key_pem)
        app = GitHubApp(http, api_url=stand_in.url, credentials=credentials, clock=Time(clock), jitter=lambda: 0.0)
        yield GitHubOpenHeads(app)
        assert stand_in.violations == []


def test_f5_every_open_head_is_found_from_the_app_down(
    stand_in: StandIn, installation_id: int, lists: GitHubOpenHeads
) -> None:
    installations, is_last = lists.installations(1)
    assert ([found.id for found in installations], is_last) == ([installation_id], True)
    (repository,), is_last = lists.repositories(installation_id, 1)
    assert (repository.owner, repository.name, is_last) == ("acme", "shop", True)
    page = lists.heads(installation_id, repository, page=1, etag=None)
    assert page is not None
    opened = {head.number: head.head_sha for head in page.heads}
    found = stand_in.world.repository("acme/shop")
    assert found is not None
    assert opened == {number: pull.head_sha for number, pull in found.pulls.items()}
    assert page.is_last


def test_an_unchanged_list_is_told_by_its_tag(stand_in: StandIn, installation_id: int, lists: GitHubOpenHeads) -> None:
    (repository,), _ = lists.repositories(installation_id, 1)
    page = lists.heads(installation_id, repository, page=1, etag=None)
    assert page is not None
    assert lists.heads(installation_id, repository, page=1, etag=page.etag) is None
    opened = stand_in.open_pull_request("acme/shop", "main", "later")
    changed = lists.heads(installation_id, repository, page=1, etag=page.etag)
    assert changed is not None
    assert opened["number"] in {head.number for head in changed.heads}
