"""Whose an installation is, by GitHub's own answer to the App."""

from datetime import datetime

from pydantic import BaseModel

from codereview.adapters.github.client import GitHubClient, read_as
from codereview.adapters.github.payloads import Account
from codereview.domain.control.tenants import InstallationProof
from codereview.errors import NotFoundError
from codereview.ports import Clock


class InstallationPayload(BaseModel):
    """`GET /app/installations/{id}`."""

    id: int
    account: Account
    suspended_at: datetime | None = None


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
