"""The control plane on a table of its own, with a clock, chance and GitHub that tests rule."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from codereview.adapters.dynamodb.control.keys import DynamoApiKeys
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.dynamodb.control.pauses import DynamoPauses
from codereview.adapters.dynamodb.control.people import DynamoPeople
from codereview.adapters.dynamodb.control.sessions import DynamoSessions
from codereview.adapters.dynamodb.control.settings import DynamoFlags, DynamoQuotas
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.domain.control.audit import AuditEntry, Request
from codereview.domain.control.keys import ApiKey
from codereview.domain.control.people import PersonId
from codereview.domain.control.scopes import ADMINISTRATING, READING, Scope
from codereview.domain.control.tenants import InstallationProof, Tenant
from codereview.domain.review import TenantId
from codereview.errors import (
    RetryableError,
)
from codereview.use_cases.control.manage_keys import Issued, ManageKeys
from codereview.use_cases.control.manage_people import ManagePeople
from codereview.use_cases.control.manage_tenants import ManageTenants
from codereview.use_cases.control.sign_in import SignIn
from codereview.use_cases.control.verify_callers import VerifyCallers
from tests.adapters.dynamodb.control.samples import ACTOR, MINE, NOW

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ANN, BOB, ROOT = (PersonId(host="github.com", user_id=number) for number in (1, 2, 3))
MONTH = timedelta(days=30)


@dataclass
class World:
    """The control plane with a clock, chance and GitHub of its own."""

    client: "DynamoDBClient"
    table: str
    moment: datetime = NOW
    drawn: int = 0
    installed: dict[int, InstallationProof] = field(default_factory=dict)
    sent: list[AuditEntry] = field(default_factory=list)
    noted: list[AuditEntry] = field(default_factory=list)
    queue_is_down: bool = False

    def now(self) -> datetime:
        return self.moment

    def sleep(self, duration: timedelta) -> None:
        self.moment += duration

    def new(self) -> UUID:
        self.drawn += 1
        return UUID(int=self.drawn)

    def draw(self, size: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(size)

    def prove(self, installation_id: int) -> InstallationProof | None:
        return self.installed.get(installation_id)

    def send(self, entry: AuditEntry) -> None:
        if self.queue_is_down:
            raise RetryableError("the queue is down")
        self.sent.append(entry)

    def request(self) -> Request:
        self.drawn += 1
        return Request(actor=ACTOR, id=f"request-{self.drawn}", at=self.moment)

    def install(self, account: int, *, installation: int | None = None, is_suspended: bool = False) -> int:
        number = installation or 100 + account
        self.installed[number] = InstallationProof(
            host="github.com",
            installation_id=number,
            account_id=account,
            login=f"acme-{account}",
            is_suspended=is_suspended,
            seen_at=self.moment,
        )
        return number

    def tenant(self, account: int = 1) -> Tenant:
        return self.tenants.bind(self.install(account), request=self.request())

    def uninstall(self, account: int = 1) -> None:
        del self.installed[100 + account]
        self.tenants.renew(TenantId(f"github.com:{account}"), request=self.request())

    def audited(self) -> list[AuditEntry]:
        """Return all entries, the oldest first."""
        outbox = DynamoAuditOutbox(self.client, self.table)
        return sorted(outbox.unsent(now=self.moment + MONTH, limit=4_000), key=lambda each: each.at)

    def issue(
        self,
        tenant: Tenant,
        *,
        scopes: frozenset[Scope] = READING,
        parent: ApiKey | None = None,
        life: timedelta = MONTH,
    ) -> Issued:
        return self.keys.issue(
            tenant,
            name="ci",
            scopes=scopes,
            expires_at=self.moment + life,
            held=parent.scopes if parent else ADMINISTRATING,
            request=self.request(),
            parent=parent,
        )

    def rotate(
        self, tenant: Tenant, key: ApiKey, *, overlap: timedelta = timedelta(), caller: ApiKey | None = None
    ) -> Issued:
        held = caller.scopes if caller else ADMINISTRATING
        request = self.request()
        return self.keys.rotate(tenant, key.id, overlap=overlap, held=held, request=request, caller=caller)

    def scopes(self, token: str, tenant: TenantId = MINE) -> frozenset[Scope] | None:
        """What a token may do in a tenant; None: it is refused, or the tenant does not exist for it."""
        caller = self.verify(token)
        found = self.verify.tenant_for(caller, tenant) if caller else None
        return found[1] if found else None

    @property
    def tenants(self) -> ManageTenants:
        return ManageTenants(
            installations=self,
            tenants=DynamoTenants(self.client, self.table),
            flags=self.flags,
            quotas=self.quotas,
            pauses=DynamoPauses(self.client, self.table),
        )

    @property
    def keys(self) -> ManageKeys:
        store = DynamoApiKeys(self.client, self.table)
        return ManageKeys(keys=store, ids=self, secrets=self, environment="test")

    @property
    def people(self) -> ManagePeople:
        return ManagePeople(people=DynamoPeople(self.client, self.table))

    @property
    def sign_in(self) -> SignIn:
        return SignIn(
            sessions=DynamoSessions(self.client, self.table),
            ids=self,
            secrets=self,
            environment="test",
            knows=self.verify.knows,
            note=self.noted.append,
        )

    @property
    def flags(self) -> DynamoFlags:
        return DynamoFlags(self.client, self.table)

    @property
    def quotas(self) -> DynamoQuotas:
        return DynamoQuotas(self.client, self.table)

    @property
    def verify(self) -> VerifyCallers:
        return VerifyCallers(
            clock=self,
            keys=DynamoApiKeys(self.client, self.table),
            sessions=DynamoSessions(self.client, self.table),
            tenants=DynamoTenants(self.client, self.table),
            people=DynamoPeople(self.client, self.table),
            environment="test",
            operators=frozenset({ROOT}),
        )
