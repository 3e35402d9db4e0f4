"""Takes an agent's voice away in a tenant where it is certainly wrong too often; it goes on in the shadow.

What was counted once does not count again: an admin who switches the agent on gives it a new chance, from the moment
of the last break on. The notice comes first and has a name of its own, so that a death in between repeats nothing.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from codereview import messages
from codereview.control_ports import Flags, Notices, Tenants
from codereview.domain.control.audit import Request
from codereview.domain.control.flags import AgentFlag, AgentMode
from codereview.domain.control.notices import Notice, NoticeLevel
from codereview.domain.precision import Outcomes, below_floor
from codereview.domain.review import TenantId
from codereview.ports import Clock, Jobs, JobState
from codereview.report_ports import Period, PrecisionSource
from codereview.use_cases.control.change_settings import ChangeFlags, ChangeNotices

_LOOKED_BACK = timedelta(days=90)
_SHOWN_FOR = timedelta(days=30)
_NAMESPACE = UUID("0a5a9f0e-3c52-4b4e-9c8e-2f2f6f2a7d11")
_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakAgents:
    """Looks at every tenant's agents."""

    clock: Clock
    tenants: Tenants
    flags: Flags
    notices: Notices
    jobs: Jobs
    precision: PrecisionSource
    change_flags: ChangeFlags
    change_notices: ChangeNotices

    def __call__(self, *, request: Request, deadline: datetime) -> tuple[str, ...]:
        """Break what has to be broken until the deadline; returns "<tenant> <agent>" of each."""
        return tuple(
            f"{tenant} {agent}"
            for tenant, agent in self._suspects(deadline)
            if self._has_voice(tenant, agent) and self._break(tenant, agent, request)
        )

    def _suspects(self, deadline: datetime) -> Iterator[tuple[TenantId, str]]:
        for tenant in self._tenants():
            now = self.clock.now()
            if now >= deadline:
                return
            measured = self._measured(tenant, since=now - _LOOKED_BACK)
            yield from ((tenant, agent) for agent in below_floor(measured, agents=self.change_flags.agents))

    def _tenants(self) -> Iterator[TenantId]:
        after = None
        while True:
            page = self.tenants.page(limit=_PAGE, after=after)
            yield from (tenant.id for tenant in page.items if tenant.is_served)
            if (after := page.next) is None:
                return

    def _measured(self, tenant: TenantId, *, since: datetime) -> dict[str, Outcomes]:
        period = Period(since=since, until=self.clock.now())
        measured = defaultdict[str, Outcomes](Outcomes)
        for rule in self.precision.precision(tenant, period):
            measured[rule.agent] += rule.outcomes
        return dict(measured)

    def _has_voice(self, tenant: TenantId, agent: str) -> bool:
        """Whether the agent may post; a flag that nobody set leaves it to what is usual, which is to post."""
        flag = self.flags.load(tenant).agents.get(agent) or self.flags.load(None).agents.get(agent)
        return flag is None or flag.mode not in (AgentMode.OFF, AgentMode.SHADOW)

    def _break(self, tenant: TenantId, agent: str, request: Request) -> bool:
        now, name = self.clock.now(), f"precision#{tenant}#{agent}"
        state = self.jobs.begin(name, now=now, every=timedelta(0))
        since = max(now - _LOOKED_BACK, state.since) if state and state.since else now - _LOOKED_BACK
        outcomes = self._measured(tenant, since=since)
        if not below_floor(outcomes, agents=[agent]):
            return False
        flags = self.flags.load(tenant)
        self._tell(tenant, agent, flags.version, outcomes[agent], request)
        shadow = replace(flags, agents={**flags.agents, agent: AgentFlag(mode=AgentMode.SHADOW)})
        self.change_flags(shadow, request=request)
        self.jobs.finish(name, JobState(since=now))
        return True

    def _tell(self, tenant: TenantId, agent: str, version: int, outcomes: Outcomes, request: Request) -> None:
        notice_id = uuid5(_NAMESPACE, f"{tenant}\n{agent}\n{version}")
        if self.notices.load(notice_id) is not None:
            return
        now = self.clock.now()
        notice = Notice(
            id=notice_id,
            tenant=tenant,
            level=NoticeLevel.WARNING,
            text=messages.agent_in_shadow(agent, accepted=outcomes.accepted, answered=outcomes.answered),
            created_at=now,
            until=now + _SHOWN_FOR,
        )
        self.change_notices.save(notice, request=request)
