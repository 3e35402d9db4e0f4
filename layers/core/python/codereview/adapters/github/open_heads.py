"""GitHub's lists of installations, repositories and open pull requests, a page and a request at a time."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from codereview.adapters.github.app import GitHubApp
from codereview.adapters.github.client import read_as, read_list_of
from codereview.adapters.github.payloads import Account, Ref
from codereview.domain.sweeping import Installed, OpenHead
from codereview.github_ports import RepositoryIdentity
from codereview.sweep_ports import HeadsPage


class InstalledAccount(BaseModel):
    """Whom an installation belongs to; an enterprise has no login."""

    id: int
    login: str | None = None


class InstalledPayload(BaseModel):
    """A row of `GET /app/installations`."""

    id: int
    account: InstalledAccount | None = None
    created_at: datetime
    suspended_at: datetime | None = None


class ListedRepository(BaseModel):
    """A row of `GET /installation/repositories`."""

    id: int
    name: str
    owner: Account


class RepositoriesPayload(BaseModel):
    """`GET /installation/repositories`."""

    repositories: list[ListedRepository]


class ListedPullRequest(BaseModel):
    """A row of `GET /repos/{owner}/{repo}/pulls`."""

    number: int
    draft: bool = False
    updated_at: datetime
    user: Account | None = None
    head: Ref


class GitHubOpenHeads:
    """Everything that the App can see, with tokens that may only read."""

    def __init__(self, app: GitHubApp) -> None:
        """Ask through `app`."""
        self._app = app

    def installations(self, page: int) -> tuple[Sequence[Installed], bool]:
        """List a page of the App's installations."""
        answer = self._app.client.get("app/installations", params=_page(page))
        found = read_list_of(InstalledPayload, answer)
        return [
            Installed(
                id=each.id,
                account_id=each.account.id if each.account else None,
                login=each.account.login if each.account else None,
                created_at=each.created_at,
                is_suspended=each.suspended_at is not None,
            )
            for each in found
        ], _is_last(answer)

    def repositories(self, installation_id: int, page: int) -> tuple[Sequence[RepositoryIdentity], bool]:
        """List a page of the repositories that an installation reaches."""
        answer = self._app.reading(installation_id).get("installation/repositories", params=_page(page))
        found = read_as(RepositoriesPayload, answer).repositories
        return [
            RepositoryIdentity(id=each.id, owner_id=each.owner.id, owner=each.owner.login, name=each.name)
            for each in found
        ], _is_last(answer)

    def heads(
        self, installation_id: int, repository: RepositoryIdentity, *, page: int, etag: str | None
    ) -> HeadsPage | None:
        """List a page of open pull requests, unless it is the one that bore the tag."""
        path = f"repos/{quote(repository.owner, safe='')}/{quote(repository.name, safe='')}/pulls"
        params = {"state": "open", "sort": "updated", "direction": "desc", **_page(page)}
        answer = self._app.reading(installation_id).get(path, params=params, etag=etag)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return None
        heads = tuple(
            OpenHead(
                number=each.number,
                head_sha=each.head.sha,
                is_draft=each.draft,
                is_author_bot=each.user is not None and each.user.type == "Bot",
                updated_at=each.updated_at,
            )
            for each in read_list_of(ListedPullRequest, answer)
        )
        return HeadsPage(heads=heads, etag=answer.headers.get("etag"), is_last=_is_last(answer) or not heads)


def _page(number: int) -> dict[str, str]:
    return {"per_page": "100", "page": str(number)}


def _is_last(answer: httpx.Response) -> bool:
    return "next" not in answer.links
