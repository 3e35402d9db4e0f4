"""Somebody who may call the API, in a control table of their own, and as often as a benchmark likes."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.keys import DynamoApiKeys
from codereview.adapters.dynamodb.control.settings import DynamoQuotas
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.system import RandomIds, RandomSecrets, SystemClock
from codereview.domain.control.audit import Actor, ActorKind, Request, audited
from codereview.domain.control.quotas import QuotaSet
from codereview.domain.control.scopes import READING
from codereview.domain.control.tenants import Tenant, TenantStatus
from codereview.domain.limits import Rate
from codereview.use_cases.control.manage_keys import ManageKeys
from tests.adapters.dynamodb.control_table import create_control_table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_OFTEN = Rate(units=1_000, period=timedelta(seconds=1), burst=10_000)


def make_key(client: "DynamoDBClient", table: str, *, environment: str) -> str:
    """Make the table, a tenant and its key; return the key's text."""
    create_control_table(client, table)
    now, ids = SystemClock().now(), RandomIds()
    request = Request(actor=Actor(kind=ActorKind.SYSTEM, id="benchmark"), id=str(ids.new()), at=now)
    tenant = _tenant(now)
    DynamoTenants(client, table).save(
        tenant, audit=audited(request, tenant=tenant.id, action="tenants.bind", target="tenant")
    )
    quotas = QuotaSet(tenant=tenant.id, requests=_OFTEN, requests_per_key=_OFTEN)
    DynamoQuotas(client, table).save(
        quotas, audit=audited(request, tenant=tenant.id, action="limits.change", target="limits")
    )
    keys = ManageKeys(keys=DynamoApiKeys(client, table), ids=ids, secrets=RandomSecrets(), environment=environment)
    issued = keys.issue(
        tenant, name="benchmark", scopes=READING, expires_at=now + timedelta(days=1), held=READING, request=request
    )
    return issued.token.text


def _tenant(now: datetime) -> Tenant:
    return Tenant(
        host="github.com",
        account_id=1,
        login="acme",
        installation_id=1,
        status=TenantStatus.ACTIVE,
        generation=1,
        proven_at=now,
        began_at=now,
    )
