"""The machine itself: its clock and its randomness. The only place that reads either."""

import os
import resource
import time
import uuid
from datetime import UTC, datetime, timedelta
from uuid import UUID


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present, in UTC."""
        return datetime.now(tz=UTC)  # noqa: TID251 -- this is the adapter that the ban points to

    def sleep(self, duration: timedelta) -> None:
        """Wait."""
        time.sleep(max(0.0, duration.total_seconds()))


class RandomIds:
    """Random ids."""

    def new(self) -> UUID:
        """Return a version 4 UUID."""
        return uuid.uuid4()  # noqa: TID251 -- this is the adapter that the ban points to


class RandomSecrets:
    """Random secrets."""

    def draw(self, size: int) -> bytes:
        """Return bytes of the operating system's generator."""
        return os.urandom(size)


def peak_memory() -> int:
    """Return the most bytes that this process has held since it began."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts kibibytes
