"""Work that waits, with the reason that was given for it."""

from dataclasses import dataclass
from datetime import datetime

from codereview.domain.review import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One review or message; `reason` None: it is under way, or was sent and not begun."""

    tenant: TenantId
    reason: str | None
    due_at: datetime
    is_held: bool = False  # a message whose review could not be named, mostly since GitHub did not answer
