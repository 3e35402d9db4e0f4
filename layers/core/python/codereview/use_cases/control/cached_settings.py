"""Flags and limits as the reviewer reads them: at most half a minute old, or the last good ones for another half."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from codereview.control_ports import Flags, Quotas
from codereview.domain.control.flags import FlagSet
from codereview.domain.control.quotas import QuotaSet
from codereview.domain.review import TenantId
from codereview.errors import PermanentError, RetryableError
from codereview.ports import Clock

FRESH = timedelta(seconds=30)

# A kill switch works within a minute everywhere, also where the table cannot be read: after that nothing is assumed.
GOOD = timedelta(seconds=60)
_MOST_KEPT = 1_000


@dataclass(slots=True)
class _Cache[T]:
    """Values by tenant, each with the time at which it was read."""

    clock: Clock
    load: Callable[[TenantId | None], T]
    kept: dict[TenantId | None, tuple[datetime, T]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def get(self, tenant: TenantId | None) -> T:
        """Return a value that is fresh, or good and all that there is."""
        now = self.clock.now()
        found = self.kept.get(tenant)
        age = abs(now - found[0]) if found else None  # a clock that went back makes nothing fresh for ever
        if found is not None and age is not None and age < FRESH:
            return found[1]
        try:
            value = self.load(tenant)
        except (RetryableError, PermanentError) as error:
            if found is not None and age is not None and age < GOOD:
                return found[1]
            raise RetryableError(f"settings cannot be read: {error}") from error
        with self.lock:
            if len(self.kept) >= _MOST_KEPT:
                self.kept.clear()
            self.kept[tenant] = (now, value)
        return value


class CachedSettings:
    """Flags and limits for one process."""

    def __init__(self, clock: Clock, flags: Flags, quotas: Quotas) -> None:
        """Read from these when the time has come."""
        self._flags: _Cache[FlagSet] = _Cache(clock=clock, load=flags.load)
        self._quotas: _Cache[QuotaSet] = _Cache(clock=clock, load=quotas.load)

    def flags(self, tenant: TenantId | None) -> FlagSet:
        """Return a set of flags; raises RetryableError if none is known that could be relied on."""
        return self._flags.get(tenant)

    def quotas(self, tenant: TenantId | None) -> QuotaSet:
        """Return a set of limits; raises RetryableError if none is known that could be relied on."""
        return self._quotas.get(tenant)
