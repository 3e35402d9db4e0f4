"""Pauses: no review of a pull request, a repository or a whole tenant until somebody resumes it."""

from dataclasses import dataclass
from datetime import datetime

from codereview.domain.control.audit import Actor
from codereview.domain.review import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseTarget:
    """What is paused: the tenant, one repository of it, or one pull request of that."""

    tenant: TenantId
    repository_id: int | None = None
    number: int | None = None

    def __post_init__(self) -> None:
        if self.number is not None and self.repository_id is None:
            raise ValueError("a pull request is paused together with its repository's id")

    @property
    def path(self) -> str:
        """Its place under the tenant, as it is stored and shown: "", "2", "2/3"."""
        return "/".join(str(part) for part in (self.repository_id, self.number) if part is not None)

    def around(self) -> "tuple[PauseTarget, ...]":
        """The target and all that it is part of, the widest first: a pause of any of them holds."""
        wider = [PauseTarget(tenant=self.tenant)]
        if self.repository_id is not None:
            wider.append(PauseTarget(tenant=self.tenant, repository_id=self.repository_id))
        return (*wider, self) if self not in wider else tuple(wider)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A pause that holds; `until` None: until somebody resumes."""

    target: PauseTarget
    reason: str
    by: Actor
    since: datetime
    until: datetime | None = None
    version: int = 0

    def holds(self, now: datetime) -> bool:
        """Whether it has not run out."""
        return self.until is None or now < self.until
