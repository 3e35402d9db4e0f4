"""What the reviewer asks before it works and before it posts: kill switches, pauses, blocks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from codereview import messages
from codereview.control_ports import Pauses, Tenants
from codereview.domain.control.flags import AgentMode, FlagSnapshot, snapshot
from codereview.domain.control.pauses import PauseTarget
from codereview.domain.parking import Park
from codereview.domain.review import ReviewKey, SkipReason
from codereview.use_cases.control.cached_settings import CachedSettings

# What is switched back or resumed goes on within a minute; nothing tells the reviewer but another look.
LOOK_AGAIN = timedelta(seconds=55)

_NEVER = datetime.max.replace(tzinfo=UTC)
_POSTING_OFF = "posting is switched off"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSwitches:
    """ports.Switches over the control table; `agents` are all there are, with their usual modes."""

    settings: CachedSettings
    pauses: Pauses
    tenants: Tenants
    agents: Mapping[str, AgentMode]

    def holding(self, key: ReviewKey, *, now: datetime) -> Park | SkipReason | None:
        """Look at the tenant, then at the switches, then at the pauses; a tenant that nobody bound is not blocked."""
        tenant = self.tenants.load(key.tenant)
        if tenant is not None and tenant.is_blocked:
            return SkipReason.BLOCKED
        if not self.flags(key).posting:
            return Park(reason=_POSTING_OFF, until=now + LOOK_AGAIN, ends=messages.UNTIL_SWITCHED_ON)
        target = PauseTarget(tenant=key.tenant, repository_id=key.repository_id, number=key.number)
        pause = self.pauses.holding(target, now=now)
        if pause is None:
            return None
        until = min(now + LOOK_AGAIN, pause.until or _NEVER)
        return Park(reason=f"paused: {pause.reason}", until=until, ends=pause.until or messages.UNTIL_RESUMED)

    def flags(self, key: ReviewKey) -> FlagSnapshot:
        """Decide for one review, by settings that are at most a minute old."""
        general, own = self.settings.flags(None), self.settings.flags(key.tenant)
        return snapshot(general, own, agents=self.agents, review_id=key.review_id)
