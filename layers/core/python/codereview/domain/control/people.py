"""People, by GitHub's number for them, their roles, and the sessions that they hold."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from codereview.domain.control.scopes import ADMINISTRATING, EDITING, READING, Scope
from codereview.domain.control.tokens import ParsedToken, is_same
from codereview.domain.review import TenantId

SESSION_LIFE = timedelta(hours=12)


class Role(StrEnum):
    """What a person may do in a tenant."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    @property
    def scopes(self) -> frozenset[Scope]:
        """The permissions of the role."""
        return {Role.VIEWER: READING, Role.EDITOR: EDITING, Role.ADMIN: ADMINISTRATING}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonId:
    """A GitHub account of a person; logins change hands, numbers do not."""

    host: str
    user_id: int

    def __str__(self) -> str:
        """Write it as it is stored."""
        return f"{self.host}:{self.user_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A person's role in a tenant."""

    tenant: TenantId
    generation: int
    person: PersonId
    login: str  # for people to read
    role: Role
    since: datetime
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A person who signed in. Roles are no part of it: they are read when needed, so that they can be lost."""

    id: str
    hash: str
    person: PersonId
    login: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether it neither ended nor ran out."""
        return self.ended_at is None and now < self.expires_at

    def matches(self, token: ParsedToken) -> bool:
        """Whether the token is this session's, compared in constant time."""
        return is_same(self.hash, token.hash)
