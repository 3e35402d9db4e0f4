"""Whose an installation is, by GitHub's own answer to the App."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from pydantic import BaseModel

from codereview.adapters.github.client import GitHubClient, read_as
from codereview.adapters.github.payloads import Account
from codereview.adapters.github.tokens import InstallationToken
from codereview.domain.control.tenants import InstallationProof
from codereview.errors import NotFoundError
from codereview.ports import Clock


class InstallationPayload(BaseModel):
    """`GET /app/installations/{id}`."""

    id: int
    account: Account
    suspended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryPlace:
    """Where a repository's reviews are kept: by numbers."""

    account_id: int
    repository_id: int


class GitHubInstallations:
    """The installations of our App at one host."""

    def __init__(self, client: GitHubClient, *, host: str, clock: Clock) -> None:
        """Ask through `client`, which signs in as the App."""
        self._client = client
        self._host = host
        self._clock = clock

    def prove(self, installation_id: int) -> InstallationProof | None:
        """Ask for one installation; another App's does not exist for us."""
        try:
            found = read_as(InstallationPayload, self._client.get(f"app/installations/{installation_id}"))
        except NotFoundError:
            return None
        return InstallationProof(
            host=self._host,
            installation_id=found.id,
            account_id=found.account.id,
            login=found.account.login,
            is_suspended=found.suspended_at is not None,
            seen_at=self._clock.now(),
        )

    def locate(self, owner: str, name: str) -> RepositoryPlace:
        """Find a repository by the name that people know; raises NotFoundError where we are not installed."""
        found = read_as(InstallationPayload, self._client.get(f"repos/{quote(owner)}/{quote(name)}/installation"))
        wanted = {"repositories": [name], "permissions": {"metadata": "read"}}
        answer = self._client.write("POST", f"app/installations/{found.id}/access_tokens", wanted)
        repositories = read_as(InstallationToken, answer).repositories
        if len(repositories) != 1:
            raise NotFoundError(f"{owner}/{name} is not part of the installation")
        return RepositoryPlace(account_id=repositories[0].owner.id, repository_id=repositories[0].id)
