"""What the sweep of open heads needs from the outside world."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from codereview.domain.control.tenants import Tenant
from codereview.domain.review import TenantId
from codereview.domain.sweeping import Installed, OpenHead, Round, Seen
from codereview.github_ports import RepositoryIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadsPage:
    """A page of a repository's open pull requests, the latest changed first."""

    heads: tuple[OpenHead, ...]
    etag: str | None
    is_last: bool


class InstallationList(Protocol):
    """Who installed the App, a page and a request at a time. May raise the errors of `github_ports.Repository`."""

    def installations(self, page: int) -> tuple[Sequence[Installed], bool]:
        """List a page of the App's installations; also says whether it is the last one."""
        ...


class OpenHeads(InstallationList, Protocol):
    """GitHub's lists, a page and a request at a time. All may raise the errors of `github_ports.Repository`."""

    def repositories(self, installation_id: int, page: int) -> tuple[Sequence[RepositoryIdentity], bool]:
        """List a page of the repositories that an installation reaches; also says whether it is the last one."""
        ...

    def heads(
        self, installation_id: int, repository: RepositoryIdentity, *, page: int, etag: str | None
    ) -> HeadsPage | None:
        """List a page of open pull requests; None if it is still the one that bore the tag."""
        ...


class TenantBook(Protocol):
    """What is known of accounts."""

    def load(self, tenant: TenantId) -> Tenant | None:
        """Read one; None: nobody bound it."""
        ...


class SweepMemory(Protocol):
    """What the sweep remembers between its runs; losing it costs requests, and no review."""

    def round(self, installation_id: int) -> Round:
        """Return how far the sweep of an installation is."""
        ...

    def keep_round(self, installation_id: int, state: Round) -> None:
        """Remember it."""
        ...

    def seen(self, installation_id: int, repository_id: int) -> Seen | None:
        """Return what is known of a repository."""
        ...

    def keep_seen(self, installation_id: int, repository_id: int, seen: Seen) -> None:
        """Remember it."""
        ...
