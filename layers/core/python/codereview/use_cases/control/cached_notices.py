"""The notices to everybody as anybody may ask for them: at most fifteen seconds old, so that strangers cost nothing."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from codereview.control_ports import Notices
from codereview.domain.control.notices import Notice
from codereview.ports import Clock

FRESH = timedelta(seconds=15)
_MOST = 20


@dataclass(slots=True)
class CachedNotices:
    """For one process; a failure is never remembered."""

    clock: Clock
    notices: Notices
    _kept: tuple[datetime, tuple[Notice, ...]] | None = field(default=None, init=False)

    def __call__(self) -> tuple[Notice, ...]:
        """Return those that are shown now; raises RetryableError if none are known and the table cannot answer."""
        now = self.clock.now()
        if self._kept is None or abs(now - self._kept[0]) >= FRESH:
            self._kept = (now, self.notices.page(None, limit=_MOST).items)
        return tuple(notice for notice in self._kept[1] if notice.is_shown(now))
