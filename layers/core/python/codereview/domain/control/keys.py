"""API keys as they are stored, and when one is good.

A rotation changes a key's text, and nothing else of it: its id, its end, its maker and what it made stay. So there is
nothing that a rotation could take out of reach of a revocation, which ends all texts of a key and all that it made.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from codereview.domain.control.audit import Actor
from codereview.domain.control.scopes import Scope
from codereview.domain.control.tokens import ParsedToken, is_same
from codereview.domain.review import TenantId

LONGEST_LIFE = timedelta(days=366)

# How often it is remembered that a key was used: a write for each request would cost more than the request.
TOUCHED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerText:
    """A text that a key had before it was rotated, and until when it is good."""

    hash: str
    until: datetime


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
    former: tuple[FormerText, ...] = ()
    version: int = 0

    def is_good(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and now < self.expires_at

    def matches(self, token: ParsedToken, now: datetime) -> bool:
        """Whether the token is this key's, each text compared in constant time."""
        good = [self.hash, *(each.hash for each in self._former_at(now))]
        return any([is_same(text, token.hash) for text in good])  # noqa: C419 -- all of them, wherever one fits

    def rotated(self, text_hash: str, *, now: datetime, overlap: timedelta) -> "ApiKey":
        """Return the key with another text; every text from before goes on for the overlap at most."""
        before = (*self._former_at(now), FormerText(hash=self.hash, until=self.expires_at))
        ending = [replace(each, until=min(each.until, now + overlap)) for each in before]
        return replace(self, hash=text_hash, former=tuple(each for each in ending if each.until > now))

    def _former_at(self, now: datetime) -> tuple[FormerText, ...]:
        return tuple(each for each in self.former if now < each.until)
