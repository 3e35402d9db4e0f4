"""Who is let in: the caller by key or session, within its limits, to its own tenant, with the right that is needed."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

from codereview.control_ports import ApiKeys
from codereview.domain.control.audit import Actor, ActorKind, AuditOutcome, Request, audited
from codereview.domain.control.callers import Caller, KeyCaller, PersonCaller, bucket_owner
from codereview.domain.control.keys import TOUCHED_EVERY
from codereview.domain.control.quotas import USUAL, effective
from codereview.domain.control.scopes import Scope
from codereview.domain.control.tenants import Tenant, parse_tenant_id
from codereview.domain.limits import (
    Decision,
    Rate,
    Refused,
    Standing,
    Take,
    rate_limit,
    rate_limit_policy,
    retry_after_seconds,
)
from codereview.entrypoints.api.fields import KEY_ID, NUMBER, UUID_TEXT
from codereview.entrypoints.api.problems import Problem, forbidden, not_found, unauthenticated
from codereview.entrypoints.api.requests import Incoming
from codereview.entrypoints.api.routing import Route, Who
from codereview.entrypoints.api.services import Edge
from codereview.errors import RetryableError
from codereview.use_cases.control.cached_settings import CachedSettings
from codereview.use_cases.control.remembered_buckets import RememberedBuckets

_LARGEST_ID = 2**63 - 1
_FORMS = {
    "key": re.compile(KEY_ID, re.ASCII),
    "user": re.compile(NUMBER, re.ASCII),
    "review": re.compile(UUID_TEXT, re.ASCII),
    "notice": re.compile(UUID_TEXT, re.ASCII),
    "job": re.compile(UUID_TEXT, re.ASCII),
    "queue": re.compile("^(?:reviews|records)$"),
}

# Of one address, for each kind of what nobody has shown a name for.
_STRANGERS = Rate(units=60, period=USUAL.requests_per_key.period, burst=30) if USUAL.requests_per_key else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """The checks in front of every route, in their order; nothing of a request is read before they let it in."""

    services: Edge
    settings: CachedSettings
    keys: ApiKeys
    remembered: RememberedBuckets = field(default_factory=RememberedBuckets)

    def caller(self, route: Route, incoming: Incoming, now: datetime) -> Caller | None:
        """Return who calls; raises Problem where the route needs somebody and there is nobody."""
        if route.access is Who.ANYBODY:
            return None
        if incoming.token is None:
            raise unauthenticated()
        if not self.services.verify.is_form(incoming.token):
            # No key at all costs the table nothing, however many of them come.
            _limit_address(self.remembered.take, "junk", incoming, now)
            raise unauthenticated()
        caller = self.services.verify(incoming.token)
        if caller is None:
            with suppress(RetryableError):  # it is a bad key, whether it can be counted or not
                _limit_address(self.services.buckets.take, "strangers", incoming, now)
            raise unauthenticated()
        return caller

    def limit_sign_in(self, incoming: Incoming, now: datetime) -> None:
        """Count a step of a sign-in against its address; raises Problem when there were too many.

        Bad keys are counted apart: one program with an old key keeps nobody from signing in who shares its address.
        """
        _limit_address(self.services.buckets.take, "sign-ins", incoming, now)

    def limit(self, caller: Caller, now: datetime) -> tuple[Standing, ...]:
        """Take the request from the caller's buckets, all in one write; raises Problem when one is empty."""
        if isinstance(caller, KeyCaller):
            owner, takes = bucket_owner(caller.key.tenant), self._takes(caller)
        else:
            owner = f"api-person#{caller.person}"
            takes = [Take(name="person", rate=USUAL.requests_per_key)] if USUAL.requests_per_key else []
        if not takes:
            return ()
        decision = self.services.buckets.take(owner, takes, now=now)
        if isinstance(decision, Refused):
            raise _limited(decision)
        return decision.standings

    def _takes(self, caller: KeyCaller) -> list[Take]:
        tenant = caller.key.tenant
        quotas = effective(self.settings.quotas(None), self.settings.quotas(tenant))
        rates = (("tenant", quotas.requests), (f"key#{caller.key.id}", quotas.requests_per_key))
        return [Take(name=name, rate=rate) for name, rate in rates if rate is not None]

    def touch(self, caller: Caller, now: datetime) -> None:
        """Remember that the key was used; asked only when an hour has passed, since refused writes cost too."""
        if isinstance(caller, KeyCaller):
            last = caller.key.last_used_at
            if last is None or now - last >= TOUCHED_EVERY:
                self.keys.touch(caller.key.id, now=now)

    def admit(
        self, route: Route, path: Mapping[str, str], caller: Caller | None, request: Request
    ) -> tuple[Tenant | None, frozenset[Scope]]:
        """Return the tenant of the path and what the caller may do there; raises Problem, and audits the refusal."""
        if isinstance(route.access, Who):
            if not _is_one_of(route.access, caller):
                self.audit_refusal(route, path, caller, None, request)
                raise forbidden()
            bound, scopes = None, frozenset[Scope]()
        else:
            found = self._tenant(path, caller)
            if found is None:
                self.audit_refusal(route, path, caller, None, request)
                raise not_found()
            bound, scopes = found
            if route.access not in scopes:
                self.audit_refusal(route, path, caller, bound, request)
                raise forbidden()
        if not all(is_form(name, text) for name, text in path.items()):
            raise not_found()
        return bound, scopes

    def _tenant(self, path: Mapping[str, str], caller: Caller | None) -> tuple[Tenant, frozenset[Scope]] | None:
        tenant_id = parse_tenant_id(path["tenant"])
        if tenant_id is None or caller is None:
            return None
        return self.services.verify.tenant_for(caller, tenant_id)

    def audit_refusal(
        self, route: Route, path: Mapping[str, str], caller: Caller | None, bound: Tenant | None, request: Request
    ) -> None:
        """Store that somebody known was refused a change: in the tenant that they belong to, never in a stranger's.

        Whoever signed in without being known stays in the log: nothing that they try may wake the record.
        """
        if not route.is_change or caller is None:
            return
        own = caller.key.tenant if isinstance(caller, KeyCaller) else None
        target = "/".join(text for name, text in path.items() if is_form(name, text)) or "deployment"
        entry = audited(
            request,
            tenant=bound.id if bound else own,
            action=route.operation,
            target=target,
            outcome=AuditOutcome.REFUSED,
        )
        if isinstance(caller, KeyCaller) or self.services.verify.knows(caller.person):
            self.services.outbox.put(entry)
        else:
            self.services.note(entry)


class _Taking(Protocol):
    def __call__(self, owner: str, takes: Sequence[Take], *, now: datetime) -> Decision: ...


def _limit_address(take: _Taking, kind: str, incoming: Incoming, now: datetime) -> None:
    if _STRANGERS is None or incoming.address is None:
        return
    decision = take(f"{kind}#{incoming.address}", [Take(name="address", rate=_STRANGERS)], now=now)
    if isinstance(decision, Refused):
        raise _limited(decision)


def is_form(name: str, text: str) -> bool:
    """Whether the path's text is a form that such an id has; every id has just one."""
    if name == "tenant":
        return parse_tenant_id(text) is not None
    if _FORMS[name].fullmatch(text) is None:
        return False
    return name != "user" or int(text) <= _LARGEST_ID


def actor_of(caller: Caller | None, address: str | None) -> Actor:
    """Say who acts."""
    if caller is None:
        return Actor(kind=ActorKind.SYSTEM, id="anonymous", address=address)
    return caller.actor(address)


def limit_headers(standings: tuple[Standing, ...]) -> dict[str, str]:
    """Tell the caller how its buckets stand."""
    if not standings:
        return {}
    shown = [_named(standing) for standing in standings]
    return {"ratelimit": rate_limit(shown), "ratelimit-policy": rate_limit_policy(shown)}


def _named(standing: Standing) -> Standing:
    """Leave the key's id out of the name that is shown."""
    return Standing(
        name=standing.name.partition("#")[0], rate=standing.rate, remaining=standing.remaining, reset=standing.reset
    )


def _limited(decision: Refused) -> Problem:
    wait = retry_after_seconds(decision)
    return Problem(
        status=HTTPStatus.TOO_MANY_REQUESTS,
        code="rate-limited",
        detail="too many requests",
        headers={**limit_headers(decision.standings), **({"retry-after": str(wait)} if wait is not None else {})},
    )


def _is_one_of(who: Who, caller: Caller | None) -> bool:
    match who:
        case Who.ANYBODY:
            return True
        case Who.SIGNED_IN:
            return caller is not None
        case Who.PERSON:
            return isinstance(caller, PersonCaller)
        case Who.OPERATOR:
            return isinstance(caller, PersonCaller) and caller.is_operator
