"""Who may have a reviewer now: no tenant takes the last ones while another one is about.

The queue's own fairness decides who comes first, not how many reviewers somebody holds; reviews take minutes, so that
whoever holds all of them keeps everybody else waiting that long.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

# A tenant alone may have every reviewer; for so long after another one was seen it leaves a quarter of them free.
ABOUT = timedelta(minutes=10)
_NOTED_EVERY = timedelta(minutes=1)

# When a message that found its tenant's share taken comes again, and at what pace such messages do: this many times the
# number of reviewers in a minute keeps a share busy with reviews of fifteen seconds and more.
HELD_FOR = timedelta(minutes=1)
RELEASES_FOR_EACH_REVIEWER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A reviewer that works for a tenant, at most until then: a dead one's turn runs out by itself."""

    tenant: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """All turns, by their owner, and when the last two tenants were seen; `version` counts the changes."""

    turns: Mapping[str, Turn] = field(default_factory=dict)
    seen: Mapping[str, datetime] = field(default_factory=dict)
    version: int = 0


def share(reviewers: int) -> int:
    """Return how many of the reviewers one tenant may have while others are about: three quarters, at least one."""
    return max(reviewers * 3 // 4, 1)


def take(turns: Turns, owner: str, turn: Turn, *, reviewers: int, now: datetime) -> tuple[Turns, bool]:
    """Take a turn if the tenant's share has room; returns what to store, and whether it was taken."""
    seen = _noted(turns.seen, turn.tenant, now)
    running = {name: each for name, each in turns.turns.items() if each.until > now}
    others_are_about = any(tenant != turn.tenant and now - at < ABOUT for tenant, at in seen.items())
    held = sum(each.tenant == turn.tenant for each in running.values())
    if others_are_about and held >= share(reviewers):
        return replace(turns, seen=seen), False
    return replace(turns, turns={**running, owner: turn}, seen=seen), True


def give_back(turns: Turns, owner: str) -> Turns:
    """End a turn; one that has run out already is no error."""
    return replace(turns, turns={name: each for name, each in turns.turns.items() if name != owner})


def _noted(seen: Mapping[str, datetime], tenant: str, now: datetime) -> Mapping[str, datetime]:
    """Note that a tenant was seen, of which the latest two are enough to know; every time would be many writes."""
    if tenant in seen and now - seen[tenant] < _NOTED_EVERY:
        return seen
    latest = sorted({**seen, tenant: now}.items(), key=lambda entry: entry[1], reverse=True)
    return dict(latest[:2])
