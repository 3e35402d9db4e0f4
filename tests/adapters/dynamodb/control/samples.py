"""Values of the control plane for tests, and the outbox as it lies in the table."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, Request, audited
from codereview.domain.control.keys import ApiKey
from codereview.domain.control.people import Membership, PersonId, Role
from codereview.domain.control.scopes import READING
from codereview.domain.control.tenants import Tenant, TenantStatus
from codereview.domain.review import TenantId

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
MINE, THEIRS = TenantId("github.com:1"), TenantId("github.com:2")
ACTOR = Actor(kind=ActorKind.PERSON, id="github.com:77", address="192.0.2.1")

_numbers = count(1)


def entry(action: str = "thing.change", *, tenant: TenantId | None = MINE, at: datetime = NOW) -> AuditEntry:
    request = Request(actor=ACTOR, id=f"request-{next(_numbers)}", at=at)
    return audited(request, tenant=tenant, action=action, target="thing/1", before={"a": 1}, after={"a": 2})


def api_key(key_id: str = "k1", *, tenant: TenantId = MINE, created_at: datetime = NOW) -> ApiKey:
    return ApiKey(
        id=key_id,
        tenant=tenant,
        generation=1,
        name="ci",
        scopes=READING,
        hash="ab" * 32,
        created_by=ACTOR,
        created_at=created_at,
        expires_at=created_at + timedelta(days=30),
    )


def member(user: int, role: Role = Role.ADMIN, *, tenant: TenantId = MINE, generation: int = 1) -> Membership:
    person = PersonId(host="github.com", user_id=user)
    return Membership(tenant=tenant, generation=generation, person=person, login=f"u{user}", role=role, since=NOW)


def account(number: int = 1) -> Tenant:
    return Tenant(
        host="github.com",
        account_id=number,
        login="acme",
        installation_id=10 + number,
        status=TenantStatus.ACTIVE,
        generation=1,
        proven_at=NOW,
        began_at=NOW,
    )


def waiting(dynamodb: "DynamoDBClient", table: str) -> list[str]:
    """Return the actions of all unsent entries."""
    outbox = DynamoAuditOutbox(dynamodb, table)
    return sorted(each.action for each in outbox.unsent(now=NOW + timedelta(days=1), limit=1000))
