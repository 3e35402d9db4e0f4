"""Flags, limits, pauses and notices: read, decided by the caller, written over what was read, and audited."""

from dataclasses import dataclass, replace

from codereview.control_ports import Flags, Notices, Pauses, Quotas
from codereview.domain.control.audit import Request, audited
from codereview.domain.control.describing import described
from codereview.domain.control.flags import FlagSet
from codereview.domain.control.notices import Notice
from codereview.domain.control.pauses import Pause, PauseTarget
from codereview.domain.control.quotas import QuotaSet
from codereview.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFlags:
    """Changes flags and kill switches; `agents` are the names that there are."""

    flags: Flags
    agents: frozenset[str]

    def __call__(self, wanted: FlagSet, *, request: Request) -> FlagSet:
        """Write the set over the version that it names; raises NotFoundError for an agent that does not exist."""
        if not wanted.agents.keys() <= self.agents:
            raise NotFoundError("no such agent")
        before = self.flags.load(wanted.tenant)
        audit = audited(
            request,
            tenant=wanted.tenant,
            action="flags.change",
            target="flags",
            before=described(before),
            after=described(replace(wanted, version=wanted.version + 1)),
        )
        return self.flags.save(wanted, audit=audit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeQuotas:
    """Changes limits and budgets."""

    quotas: Quotas

    def __call__(self, wanted: QuotaSet, *, request: Request) -> QuotaSet:
        """Write the set over the version that it names."""
        before = self.quotas.load(wanted.tenant)
        audit = audited(
            request,
            tenant=wanted.tenant,
            action="limits.change",
            target="limits",
            before=described(before),
            after=described(replace(wanted, version=wanted.version + 1)),
        )
        return self.quotas.save(wanted, audit=audit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePauses:
    """Pauses and resumes over whatever was before; of two at the same moment, one hears StaleVersionError."""

    pauses: Pauses

    def pause(self, pause: Pause, *, request: Request) -> None:
        """Pause a target, over an older pause of it."""
        before = self.pauses.load(pause.target)
        audit = audited(
            request,
            tenant=pause.target.tenant,
            action="pauses.pause",
            target=f"pause/{pause.target.path}",
            before=described(before) if before else None,
            after=described(pause),
        )
        self.pauses.pause(replace(pause, version=before.version if before else 0), audit=audit)

    def resume(self, target: PauseTarget, *, request: Request) -> None:
        """Take a target's own pause back, if it has one; a wider one still holds."""
        before = self.pauses.load(target)
        if before is None:
            return
        audit = audited(
            request,
            tenant=target.tenant,
            action="pauses.resume",
            target=f"pause/{target.path}",
            before=described(before),
        )
        self.pauses.resume(before, audit=audit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeNotices:
    """Writes and removes notices."""

    notices: Notices

    def save(self, notice: Notice, *, request: Request) -> Notice:
        """Write a notice, new or over the version that it names."""
        before = self.notices.load(notice.id)
        audit = audited(
            request,
            tenant=notice.tenant,
            action="notices.save",
            target=f"notice/{notice.id}",
            before=described(before) if before else None,
            after=described(notice),
        )
        return self.notices.save(notice, audit=audit)

    def remove(self, notice: Notice, *, request: Request) -> None:
        """Remove the version of the notice that was read."""
        audit = audited(
            request,
            tenant=notice.tenant,
            action="notices.remove",
            target=f"notice/{notice.id}",
            before=described(notice),
        )
        self.notices.remove(notice, audit=audit)
