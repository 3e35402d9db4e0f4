"""API keys: issued with no more than their maker has, rotated with an overlap, revoked at once.

Whatever a key is given dies with it: a key that it makes is its child, and the only texts that it is given by rotation
are its own and those of keys that it made.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from codereview.control_ports import ApiKeys, Page, Secrets
from codereview.domain.control.audit import Request, audited
from codereview.domain.control.describing import described
from codereview.domain.control.keys import LONGEST_LIFE, ApiKey
from codereview.domain.control.scopes import Scope, require_subset
from codereview.domain.control.tenants import Tenant
from codereview.domain.control.tokens import SECRET_BYTES, NewToken, TokenKind, make_next_token, make_token
from codereview.errors import ConflictError, ForbiddenError, NotFoundError, RejectedError, StaleVersionError
from codereview.ports import Ids
from codereview.use_cases.control.verify_callers import MOST_ANCESTORS

LONGEST_OVERLAP = timedelta(days=7)

# Each is compared at the door. More rotations than this within an overlap are somebody's loop.
MOST_TEXTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A key that was just made or rotated, with the only copy of its text."""

    key: ApiKey
    token: NewToken


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageKeys:
    """What is done to a tenant's keys. Another tenant's key does not exist: NotFoundError."""

    keys: ApiKeys
    ids: Ids
    secrets: Secrets
    environment: str

    def issue(
        self,
        tenant: Tenant,
        *,
        name: str,
        scopes: frozenset[Scope],
        expires_at: datetime,
        held: AbstractSet[Scope],
        request: Request,
        parent: ApiKey | None = None,
    ) -> Issued:
        """Make a key. `held` is what the maker has in the tenant, `parent` the key that they came with.

        Raises ForbiddenError for a permission that the maker does not have, or that no key can have; RejectedError for
        an end in the past, too far away or after the parent's.
        """
        require_subset(scopes, held)
        if any(scope.is_operator_only for scope in scopes):
            raise ForbiddenError("no key reaches past its tenant")
        if not request.at < expires_at <= request.at + LONGEST_LIFE:
            raise RejectedError(f"a key ends within {LONGEST_LIFE.days} days")
        if parent is not None:
            self._require_heir(parent, scopes, expires_at)
        return self._store(
            tenant,
            name=name,
            scopes=scopes,
            expires_at=expires_at,
            request=request,
            parent_id=parent.id if parent else None,
        )

    def _require_heir(self, parent: ApiKey, scopes: frozenset[Scope], expires_at: datetime) -> None:
        require_subset(scopes, parent.scopes)
        if expires_at > parent.expires_at:
            raise RejectedError("a key does not outlive the one that made it")
        ancestors, each = 1, parent
        while each.parent_id is not None:
            ancestors += 1
            above = self.keys.load(each.parent_id)
            if above is None or ancestors > MOST_ANCESTORS:
                raise ForbiddenError("keys make keys only so deep")
            each = above

    def _store(
        self,
        tenant: Tenant,
        *,
        name: str,
        scopes: frozenset[Scope],
        expires_at: datetime,
        request: Request,
        parent_id: str | None,
    ) -> Issued:
        token = make_token(
            TokenKind.KEY,
            environment=self.environment,
            token_id=self.ids.new(),
            secret=self.secrets.draw(SECRET_BYTES),
        )
        key = ApiKey(
            id=token.id,
            tenant=tenant.id,
            generation=tenant.generation,
            name=name,
            scopes=scopes,
            hash=token.hash,
            created_by=request.actor,
            created_at=request.at,
            expires_at=expires_at,
            parent_id=parent_id,
        )
        audit = audited(request, tenant=tenant.id, action="keys.create", target=f"key/{key.id}", after=described(key))
        return Issued(key=self.keys.save(key, audit=audit), token=token)

    def find(self, tenant: Tenant, key_id: str) -> ApiKey:
        """Read one of the tenant's keys."""
        key = self.keys.load(key_id)
        if key is None or key.tenant != tenant.id or key.generation != tenant.generation:
            raise NotFoundError("no such key")
        return key

    def page(self, tenant: Tenant, *, limit: int, after: str | None = None) -> Page[ApiKey]:
        """List the tenant's keys of this generation."""
        page = self.keys.page(tenant.id, limit=limit, after=after)
        return replace(page, items=tuple(key for key in page.items if key.generation == tenant.generation))

    def revoke(self, tenant: Tenant, key_id: str, *, request: Request, version: int | None = None) -> ApiKey:
        """Revoke a key and with it all that it made; one that is revoked already stays so.

        `version` is If-Match's, None for whatever it is.
        """
        key = self.find(tenant, key_id)
        if version is not None and version != key.version:
            raise StaleVersionError("the key was changed since it was read")
        if key.revoked_at is not None:
            return key
        return self._change(key, replace(key, revoked_at=request.at), action="keys.revoke", request=request)

    def rotate(
        self,
        tenant: Tenant,
        key_id: str,
        *,
        overlap: timedelta,
        held: AbstractSet[Scope],
        request: Request,
        caller: ApiKey | None = None,
    ) -> Issued:
        """Give a key another text, and end the texts from before after the overlap.

        `caller` is the key that asks for it: it rotates itself and what it made, so that its revocation ends what it
        was given. Raises ForbiddenError for any other, ConflictError for a key that has ended, or has too many texts.
        """
        key = self.find(tenant, key_id)
        if not key.is_good(request.at):
            raise ConflictError("the key has ended")
        if not timedelta() <= overlap <= LONGEST_OVERLAP:
            raise RejectedError(f"two texts overlap by {LONGEST_OVERLAP.days} days at most")
        require_subset(key.scopes, held)
        if caller is not None and not self._is_of(caller, key):
            raise ForbiddenError("a key rotates itself and what it made")
        secret = self.secrets.draw(SECRET_BYTES)
        token = make_next_token(TokenKind.KEY, environment=self.environment, id_text=key.id, secret=secret)
        after = key.rotated(token.hash, now=request.at, overlap=overlap)
        if len(after.former) >= MOST_TEXTS:
            raise ConflictError("too many texts of the key are good: wait for their end, or rotate without an overlap")
        return Issued(key=self._change(key, after, action="keys.rotate", request=request), token=token)

    def _is_of(self, caller: ApiKey, key: ApiKey) -> bool:
        """Whether the key is the caller, or was made by it, directly or not."""
        each: ApiKey | None = key
        for _ in range(MOST_ANCESTORS + 1):
            if each is None or each.id == caller.id:
                return each is not None
            each = self.keys.load(each.parent_id) if each.parent_id is not None else None
        return False

    def _change(self, before: ApiKey, after: ApiKey, *, action: str, request: Request) -> ApiKey:
        audit = audited(
            request,
            tenant=before.tenant,
            action=action,
            target=f"key/{before.id}",
            before=described(before),
            after=described(after),
        )
        return self.keys.save(after, audit=audit)
