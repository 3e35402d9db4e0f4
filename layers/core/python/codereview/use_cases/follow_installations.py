"""The step before every review: what happens to an installation concerns a tenant, and no pull request.

An event only says that it is time to ask: what becomes of the tenant is GitHub's answer, whatever the event says, and
however often, late or out of order it comes. An account that nobody bound stays unbound, and leaves no trace: anybody
can install an App, and a tenant, its audit log and what that wakes are there for whom an operator let in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.domain.control.tenants import TenantStatus
from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.review import Outcome, Skipped, SkipReason, tenant_of
from codereview.errors import NotFoundError, RetryableError, StaleVersionError
from codereview.ports import Agenda, Clock, Ids
from codereview.use_cases.control.renew_tenant import RenewTenant
from codereview.use_cases.hold_message import hold
from codereview.use_cases.take_turns import Review

# Which repositories an installation reaches decides nothing about the tenant: each review asks for its own.
_OF_TENANTS = {"installation", "installation_target"}

# So long GitHub may still name an installation that it has just said was deleted; then the hourly look has to do.
_LAG = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowInstallations:
    """Renews the tenant of an installation's event; everything else goes on to `review`."""

    clock: Clock
    ids: Ids
    renew: RenewTenant
    agenda: Agenda
    review: Review
    jitter: Callable[[], float]  # 0..1

    def handle(self, envelope: Envelope, *, deadline: datetime) -> Outcome:
        """Ask GitHub about the tenant, or review; while GitHub cannot be asked, the message is held back."""
        if envelope.trigger is not Trigger.INSTALLATION:
            return self.review.handle(envelope, deadline=deadline)
        if envelope.event in _OF_TENANTS:
            try:
                self._follow(envelope)
            except RetryableError as error:
                return hold(envelope, error, agenda=self.agenda, now=self.clock.now(), jitter=self.jitter())
        return Skipped(reason=SkipReason.NOTHING_TO_REVIEW)

    def _follow(self, envelope: Envelope) -> None:
        now = self.clock.now()
        actor = Actor(kind=ActorKind.SYSTEM, id="reviewer")
        request = Request(actor=actor, id=str(self.ids.new()), at=now)
        try:
            tenant = self.renew(tenant_of(envelope.host, envelope.owner_id), request=request)
        except NotFoundError:
            return
        except StaleVersionError as error:
            raise RetryableError(str(error)) from error
        is_its_end = envelope.action == "deleted" and envelope.installation_id == tenant.installation_id
        if is_its_end and tenant.status is not TenantStatus.REMOVED and _is_young(envelope, now):
            raise RetryableError("GitHub still names an installation that it said was deleted")


def _is_young(envelope: Envelope, now: datetime) -> bool:
    return bool(envelope.received_at) and now - datetime.fromisoformat(envelope.received_at) < _LAG
