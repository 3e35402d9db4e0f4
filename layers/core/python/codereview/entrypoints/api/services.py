"""Everything that the routes work with."""

from collections.abc import Callable
from dataclasses import dataclass

from codereview.control_ports import (
    AuditOutbox,
    Buckets,
    Flags,
    LiveReviews,
    Notices,
    Pauses,
    People,
    Quotas,
    Tenants,
    WatchedQueue,
)
from codereview.domain.control.audit import AuditEntry
from codereview.entrypoints.api.cursors import Cursors
from codereview.ports import Clock
from codereview.use_cases.control.ask_reviews import AskReviews
from codereview.use_cases.control.cached_notices import CachedNotices
from codereview.use_cases.control.change_settings import ChangeFlags, ChangeNotices, ChangePauses, ChangeQuotas
from codereview.use_cases.control.identify import Identify
from codereview.use_cases.control.manage_keys import ManageKeys
from codereview.use_cases.control.manage_people import ManagePeople
from codereview.use_cases.control.manage_tenants import ManageTenants
from codereview.use_cases.control.order_exports import OrderExports
from codereview.use_cases.control.redrive import ReadDeadLetters
from codereview.use_cases.control.sign_in import SignIn
from codereview.use_cases.control.verify_callers import VerifyCallers


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What every function behind the API needs to let a request in."""

    clock: Clock
    verify: VerifyCallers
    buckets: Buckets
    outbox: AuditOutbox
    cursors: Cursors
    note: Callable[[AuditEntry], None]  # what strangers do, in place of the outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Services(Edge):
    """The use cases and stores of one deployment; nothing in it belongs to a request."""

    host: str  # GitHub's, whose accounts the people are
    manage_tenants: ManageTenants
    manage_keys: ManageKeys
    manage_people: ManagePeople
    sign_in: SignIn
    identify: Identify | None  # None: the deployment has no OAuth client, so nobody signs in
    change_flags: ChangeFlags
    change_quotas: ChangeQuotas
    change_pauses: ChangePauses
    change_notices: ChangeNotices
    ask_reviews: AskReviews
    exports: OrderExports
    tenants: Tenants
    people: People
    flags: Flags
    quotas: Quotas
    pauses: Pauses
    notices: Notices
    notices_to_all: CachedNotices
    reviews: LiveReviews
    queues: tuple[WatchedQueue, ...]
    read_dead_letters: ReadDeadLetters
