"""The GitHub App: opens repositories by number, with a token that reaches just the one."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

import httpx

from codereview.adapters.circuit import Circuit
from codereview.adapters.github.client import GitHubClient, read_as
from codereview.adapters.github.payloads import AppPayload
from codereview.adapters.github.quota import LatestQuota
from codereview.adapters.github.repository import GitHubRepository
from codereview.adapters.github.tokens import (
    PERMISSIONS,
    READING_PERMISSIONS,
    AppCredentials,
    InstallationToken,
    app_jwt,
)
from codereview.errors import DeploymentError, NotFoundError, RejectedError
from codereview.github_ports import RepositoryIdentity
from codereview.ports import Clock

# A function that lives for hours may meet any number of repositories; tokens are cheap to ask for again.
_MOST_TOKENS = 1_000


class Pace(Protocol):
    """Keeps the writes of an installation apart."""

    def __call__(self, installation_id: int, *, is_ahead: bool = False) -> None:
        """Return when a write may be sent, `is_ahead` within the second that follows; may raise ThrottledError."""
        ...


def unpaced(installation_id: int, *, is_ahead: bool = False) -> None:
    """Let every write go at once."""
    del installation_id, is_ahead


def app_client(
    http: httpx.Client,
    *,
    api_url: str,
    credentials: Callable[[], AppCredentials],
    clock: Clock,
    jitter: Callable[[], float],
) -> GitHubClient:
    """Open a client that signs in as the App itself; its key is asked for with every request, and with none before.

    A JWT that GitHub does not take says nothing of any installation: the App's key or id is wrong, or our clock.
    """
    return GitHubClient(
        http,
        unauthorized=DeploymentError,
        api_url=api_url,
        clock=clock,
        jitter=jitter,
        authorization=lambda _is_renewal: f"Bearer {app_jwt(credentials(), now=clock.now())}",
    )


class GitHubApp:
    """The App at one GitHub host. Tokens are kept in memory by installation and repository until they grow old."""

    def __init__(
        self,
        http: httpx.Client,
        *,
        api_url: str,
        credentials: AppCredentials,
        clock: Clock,
        jitter: Callable[[], float],
        pace: Pace = unpaced,
    ) -> None:
        """Speak to `api_url`, for example https://api.github.com or https://<host>/api/v3.

        `pace` is called with the installation once for each of its writes, and may raise ThrottledError.
        """
        self._http = http
        self._api_url = api_url
        self._clock = clock
        self._jitter = jitter
        self._pace = pace
        self._tokens: dict[tuple[int, int], InstallationToken] = {}
        self._reading_tokens: dict[int, InstallationToken] = {}
        self._login: str | None = None
        # One for each installation, as are GitHub's limits: what one tenant used up is no other's business.
        self._circuits: dict[int, Circuit] = {}
        self._quotas: dict[int, LatestQuota] = {}
        self._app = app_client(http, api_url=api_url, credentials=lambda: credentials, clock=clock, jitter=jitter)

    @property
    def login(self) -> str:
        """The login under which the App's reviews stand."""
        if self._login is None:
            self._login = f"{read_as(AppPayload, self._app.get('app')).slug}[bot]"
        return self._login

    def repository(self, installation_id: int, repository_id: int) -> GitHubRepository:
        """Open a repository; GitHub's token answer proves that it belongs to the installation, and names it."""
        token = self._token(installation_id, repository_id, is_renewal=False)
        found = next((entry for entry in token.repositories if entry.id == repository_id), None)
        if found is None:
            raise NotFoundError(f"repository {repository_id} is not part of installation {installation_id}")
        client = self._client(
            installation_id,
            lambda is_renewal: self._token(installation_id, repository_id, is_renewal=is_renewal),
        )
        identity = RepositoryIdentity(id=found.id, owner_id=found.owner.id, owner=found.owner.login, name=found.name)
        return GitHubRepository(client, identity, our_login=self.login)

    @property
    def client(self) -> GitHubClient:
        """What signs in as the App itself."""
        return self._app

    def reading(self, installation_id: int) -> GitHubClient:
        """Open everything that an installation reaches, to read lists; no code and no writing."""
        return self._client(
            installation_id, lambda is_renewal: self._reading_token(installation_id, is_renewal=is_renewal)
        )

    def _client(self, installation_id: int, token: Callable[[bool], InstallationToken]) -> GitHubClient:
        return GitHubClient(
            self._http,
            circuit=self._circuits.setdefault(installation_id, Circuit(self._clock, name="GitHub")),
            api_url=self._api_url,
            clock=self._clock,
            jitter=self._jitter,
            authorization=lambda is_renewal: f"Bearer {token(is_renewal).token}",
            before_write=partial(self._pace, installation_id),
            quota=self._quotas.setdefault(installation_id, LatestQuota()),
        )

    def _reading_token(self, installation_id: int, *, is_renewal: bool) -> InstallationToken:
        held = self._reading_tokens.get(installation_id)
        if held is not None and not is_renewal and held.is_fresh(now=self._clock.now()):
            return held
        wanted = {"permissions": READING_PERMISSIONS}
        token = read_as(
            InstallationToken, self._app.write("POST", f"app/installations/{installation_id}/access_tokens", wanted)
        )
        self._reading_tokens[installation_id] = token
        return token

    def _token(self, installation_id: int, repository_id: int, *, is_renewal: bool) -> InstallationToken:
        held = self._tokens.get((installation_id, repository_id))
        if held is not None and not is_renewal and held.is_fresh(now=self._clock.now()):
            return held
        # What GitHub refuses is no token any more: the next to open the repository has to ask, and hears why.
        self._tokens.pop((installation_id, repository_id), None)
        wanted = {"repository_ids": [repository_id], "permissions": PERMISSIONS}
        try:
            answer = self._app.write("POST", f"app/installations/{installation_id}/access_tokens", wanted)
        except RejectedError as error:
            # 422: the repository is not one of the installation's.
            raise NotFoundError(f"repository {repository_id} is not part of installation {installation_id}") from error
        token = read_as(InstallationToken, answer)
        if len(self._tokens) >= _MOST_TOKENS:
            self._tokens.clear()
        self._tokens[installation_id, repository_id] = token
        return token
