"""API keys as they are stored, and when one is good."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.domain.control.audit import Actor
from codereview.domain.control.scopes import Scope
from codereview.domain.control.tokens import ParsedToken, is_same
from codereview.domain.review import TenantId

LONGEST_LIFE = timedelta(days=366)

# How often it is remembered that a key was used: a write for each request would cost more than the request.
TOUCHED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key of one tenant. `parent_id` is the key that made it, None for one that a person made."""

    id: str
    tenant: TenantId
    generation: int  # of the tenant; a key does not outlive a removal
    name: str
    scopes: frozenset[Scope]
    hash: str
    created_by: Actor
    created_at: datetime
    expires_at: datetime
    parent_id: str | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None  # to the hour
    version: int = 0

    def is_good(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and now < self.expires_at

    def matches(self, token: ParsedToken) -> bool:
        """Whether the token is this key's, compared in constant time."""
        return is_same(self.hash, token.hash)
