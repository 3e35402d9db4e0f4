"""Who calls, proven: a key with its tenant, or a person who signed in."""

from dataclasses import dataclass

from codereview.domain.control.audit import Actor, ActorKind
from codereview.domain.control.keys import ApiKey
from codereview.domain.control.people import PersonId
from codereview.domain.review import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCaller:
    """A program with a key: it has one tenant, and the key's scopes there."""

    key: ApiKey

    def actor(self, address: str | None) -> Actor:
        """Say who acts."""
        return Actor(kind=ActorKind.KEY, id=self.key.id, address=address)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonCaller:
    """A person with a session: what they may do depends on the tenant."""

    session_id: str
    person: PersonId
    login: str
    is_operator: bool

    def actor(self, address: str | None) -> Actor:
        """Say who acts."""
        return Actor(kind=ActorKind.PERSON, id=str(self.person), address=address)


Caller = KeyCaller | PersonCaller


def bucket_owner(tenant: TenantId) -> str:
    """Name the item that a tenant's request buckets lie in, its keys' among them."""
    return f"api#{tenant}"
