"""One stand-in a test, held against GitHub's OpenAPI: a wrong answer or webhook fails the test that saw it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from local.github import StandIn
from local.github.validation import OpenApiJudge
from tests.infra.github_stand_in.world import Clock, build_clone, client, token


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_clone(tmp_path_factory.mktemp("github") / "clone")


@pytest.fixture(scope="session")
def judge() -> OpenApiJudge:
    return OpenApiJudge.load()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@pytest.fixture
def stand_in(judge: OpenApiJudge, clock: Clock, key: rsa.RSAPrivateKey) -> Iterator[StandIn]:
    with StandIn(judge=judge, clock=clock, key=key) as running:
        yield running
        # What a test sends wrong on purpose is its own business; what the stand-in says never is.
        assert [one for one in running.violations if not one.startswith("request ")] == []


@pytest.fixture
def installation_id(stand_in: StandIn, clone: Path) -> int:
    """The App at acme, with one repository and one open pull request."""
    added = stand_in.add_repository(str(clone), "acme", "shop")
    stand_in.open_pull_request("acme/shop", "main", "feature", body="Please look.")
    return int(added["installation_id"])


@pytest.fixture
def github(stand_in: StandIn, installation_id: int) -> Iterator[httpx.Client]:
    with client(stand_in, token(stand_in, installation_id)) as held:
        yield held
