"""Compares all tenants with GitHub's list of installations: an event that never came is made up for within the hour.

The list only says whom to ask about, since one that changes while it is read can hide an installation, and a removal is
for ever. It costs a request for each hundred installations, and one for each tenant that it does not agree with.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.control_ports import Tenants
from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.domain.control.tenants import Tenant, TenantStatus
from codereview.domain.sweeping import Installed
from codereview.errors import PermanentError, RetryableError
from codereview.ports import Clock, Ids, Jobs, JobState
from codereview.sweep_ports import InstallationList
from codereview.use_cases.control.renew_tenant import RenewTenant

_NAME = "tenants"
_EVERY = timedelta(hours=1)
_LEAST_TIME = timedelta(seconds=10)
_MOST_ASKED = 50
_PAGE = 100


@dataclass(slots=True, kw_only=True)
class Renewed:
    """What one run did; `left` have to be asked about and were not reached."""

    tenants: int = 0
    changed: int = 0
    asked: int = 0
    left: int = 0
    troubles: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewTenants:
    """The hourly job; `host` is the GitHub host that is asked."""

    clock: Clock
    ids: Ids
    jobs: Jobs
    github: InstallationList
    tenants: Tenants
    renew: RenewTenant
    host: str

    def __call__(self, *, deadline: datetime) -> Renewed | None:
        """Renew whom the list does not agree with; None if it is not time yet.

        Raises RetryableError when the list cannot be read in time, and PermanentError when it names none of several
        tenants: those are another App's installations, and not the end of all of ours.
        """
        if self.jobs.begin(_NAME, now=self.clock.now(), every=_EVERY) is None:
            return None
        listed = self._listed(deadline)
        bound = [tenant for tenant in self._all() if tenant.status is not TenantStatus.REMOVED]
        if len(bound) > 1 and not any(tenant.installation_id in listed for tenant in bound):
            raise PermanentError("GitHub lists none of the tenants' installations: is this the same App?")
        renewed = Renewed(tenants=len(bound))
        for tenant in bound:
            if _agrees(tenant, listed.get(tenant.installation_id)):
                continue
            if renewed.asked >= _MOST_ASKED or not self._has_time(deadline):
                renewed.left += 1
                continue
            self._ask(tenant, renewed)
        if renewed.left:
            self.jobs.finish(_NAME, JobState(), next_at=self.clock.now())
        return renewed

    def _has_time(self, deadline: datetime) -> bool:
        return deadline - self.clock.now() >= _LEAST_TIME

    def _listed(self, deadline: datetime) -> Mapping[int, Installed]:
        listed, page, is_last = dict[int, Installed](), 1, False
        while not is_last:
            if not self._has_time(deadline):
                raise RetryableError("GitHub's list of installations was not read in time")
            found, is_last = self.github.installations(page)
            listed |= {installed.id: installed for installed in found}
            page += 1
        return listed

    def _all(self) -> Iterator[Tenant]:
        after = None
        while True:
            page = self.tenants.page(limit=_PAGE, after=after)
            yield from (tenant for tenant in page.items if tenant.host == self.host)
            if page.next is None:
                return
            after = page.next

    def _ask(self, tenant: Tenant, renewed: Renewed) -> None:
        """Let GitHub decide about one; its trouble is no other's."""
        renewed.asked += 1
        actor = Actor(kind=ActorKind.SYSTEM, id="reconciler")
        request = Request(actor=actor, id=str(self.ids.new()), at=self.clock.now())
        try:
            after = self.renew(tenant.id, request=request)
        except (RetryableError, PermanentError):
            renewed.troubles += 1
        else:
            renewed.changed += after != tenant


def _agrees(tenant: Tenant, installed: Installed | None) -> bool:
    if installed is None or installed.account_id != tenant.account_id:
        return False
    is_suspended = tenant.status is TenantStatus.SUSPENDED
    return (installed.is_suspended, installed.login) == (is_suspended, tenant.login)
