"""Who calls, and what they may do where they call. Nothing here is cached: what is revoked is refused at once."""

from dataclasses import dataclass

from codereview.control_ports import ApiKeys, People, Sessions, Tenants
from codereview.domain.control.callers import Caller, KeyCaller, PersonCaller
from codereview.domain.control.keys import ApiKey
from codereview.domain.control.people import PersonId
from codereview.domain.control.scopes import OPERATING, Scope
from codereview.domain.control.tenants import Tenant
from codereview.domain.control.tokens import ParsedToken, TokenKind, is_same, parse_token
from codereview.domain.review import TenantId
from codereview.ports import Clock

# A key makes keys that make keys, no deeper; each generation is read when the last is used.
MOST_ANCESTORS = 3

_MOST_ROLES = 100  # read at once

_NOBODYS_HASH = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyCallers:
    """The check at the door. `environment` is the deployment's stage; `operators` are its own people, by number."""

    clock: Clock
    keys: ApiKeys
    sessions: Sessions
    tenants: Tenants
    people: People
    environment: str
    operators: frozenset[PersonId]

    def is_form(self, token: str) -> bool:
        """Whether the text can be a token of this deployment at all, which no table has to be asked about."""
        return parse_token(token, environment=self.environment) is not None

    def __call__(self, token: str) -> Caller | None:
        """Return who the token belongs to; None, whatever is wrong with it.

        A token with a wrong form, checksum or environment is refused without asking the table.
        """
        parsed = parse_token(token, environment=self.environment)
        if parsed is None:
            return None
        return self._key(parsed) if parsed.kind is TokenKind.KEY else self._session(parsed)

    def _key(self, token: ParsedToken) -> KeyCaller | None:
        key = self.keys.load(token.id)
        if key is None:
            is_same(_NOBODYS_HASH, token.hash)  # an unknown id takes as long as a wrong secret
            return None
        if not key.matches(token, self.clock.now()) or not self._is_good(key):
            return None
        return KeyCaller(key=key)

    def _is_good(self, key: ApiKey) -> bool:
        """Whether the key and all that it came from hold: who revokes a leaked key revokes what was made with it."""
        now, each = self.clock.now(), key
        for _ in range(MOST_ANCESTORS + 1):
            if not each.is_good(now) or each.tenant != key.tenant:
                return False
            if each.parent_id is None:
                return self._is_served(key)
            parent = self.keys.load(each.parent_id)
            if parent is None:
                return False
            each = parent
        return False

    def _is_served(self, key: ApiKey) -> bool:
        tenant = self.tenants.load(key.tenant)
        return tenant is not None and tenant.is_served and tenant.generation == key.generation

    def _session(self, token: ParsedToken) -> PersonCaller | None:
        session = self.sessions.load(token.id)
        if session is None:
            is_same(_NOBODYS_HASH, token.hash)
            return None
        if not session.matches(token) or not session.is_good(self.clock.now()):
            return None
        return PersonCaller(
            session_id=session.id,
            person=session.person,
            login=session.login,
            is_operator=session.person in self.operators,
        )

    def knows(self, person: PersonId) -> bool:
        """Whether somebody is an operator, or has a role in any tenant's present life.

        Whoever has a GitHub account can sign in, and is a stranger for all that.
        """
        if person in self.operators:
            return True
        after = None
        while True:
            page = self.people.tenants_of(person, limit=_MOST_ROLES, after=after)
            for role in page.items:
                tenant = self.tenants.load(role.tenant)
                if tenant is not None and tenant.generation == role.generation:
                    return True
            if page.next is None:
                return False
            after = page.next

    def tenant_for(self, caller: Caller, tenant_id: TenantId) -> tuple[Tenant, frozenset[Scope]] | None:
        """Return the tenant with what the caller may do there; None if it does not exist for them.

        A key reaches its own tenant only. An operator reaches every tenant, also one that is not served.
        """
        if isinstance(caller, KeyCaller) and caller.key.tenant != tenant_id:
            return None
        tenant = self.tenants.load(tenant_id)
        if tenant is None:
            return None
        scopes = self._scopes(caller, tenant)
        return (tenant, scopes) if scopes else None

    def _scopes(self, caller: Caller, tenant: Tenant) -> frozenset[Scope]:
        if isinstance(caller, PersonCaller) and caller.is_operator:
            return OPERATING
        if not tenant.is_served:
            return frozenset()
        if isinstance(caller, KeyCaller):
            return caller.key.scopes if caller.key.generation == tenant.generation else frozenset()
        membership = self.people.load(tenant.id, caller.person)
        if membership is None or membership.generation != tenant.generation:
            return frozenset()
        return membership.role.scopes
