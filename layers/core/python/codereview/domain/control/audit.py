"""Who changed what, as it was before and after: the entry that every change carries into its own transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from codereview.domain.review import TenantId

_NAMESPACE = UUID("3b0c5b0e-91f2-4d0e-8a3f-6a1f5f6d8c21")


class ActorKind(StrEnum):
    """What kind of caller acts."""

    KEY = "key"
    PERSON = "person"
    OPERATOR = "operator"  # somebody with AWS credentials, past the API
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: a key's id, "<host>:<user id>" of a person, an ARN, or a job's name; never a login."""

    kind: ActorKind
    id: str
    address: str | None = None  # the caller's IP address, as API Gateway saw it


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The circumstances of a change. `id` is the request's own (API Gateway's), so that a retry audits once."""

    actor: Actor
    id: str
    at: datetime


class AuditOutcome(StrEnum):
    """Whether the action happened."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One action. `tenant` None: it concerns the deployment. `before` and `after` hold no secret, not even a hash."""

    id: UUID
    tenant: TenantId | None
    actor: Actor
    action: str  # "<noun>.<verb>", e.g. "flags.change"
    target: str  # what was acted upon, e.g. "key/3f9a…"
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    at: datetime
    request_id: str
    outcome: AuditOutcome = AuditOutcome.DONE


def audited(
    request: Request,
    *,
    tenant: TenantId | None,
    action: str,
    target: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    outcome: AuditOutcome = AuditOutcome.DONE,
) -> AuditEntry:
    """Describe an action; its id is derived from the request, so that the same request describes it once."""
    name = "\n".join((request.id, tenant or "", action, target, outcome))
    return AuditEntry(
        id=uuid5(_NAMESPACE, name),
        tenant=tenant,
        actor=request.actor,
        action=action,
        target=target,
        before=before,
        after=after,
        at=request.at,
        request_id=request.id,
        outcome=outcome,
    )
