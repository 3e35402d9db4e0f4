"""GitHub's secondary limits, one meter an installation: what is too much is refused, and the peaks are kept.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

MINUTE, HOUR = 60.0, 3_600.0
READ_POINTS, WRITE_POINTS = 1, 5
READS = ("GET", "HEAD", "OPTIONS")
# GitHub advises to leave a second between two writes; it refuses nothing for that, so here it is only counted.
ADVISED_SPACING = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """As much as one installation may do; None: as much as it likes."""

    concurrent: int | None = 100
    points_per_minute: int | None = 900
    content_per_minute: int | None = 80
    content_per_hour: int | None = 500


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that a request does not fit under, and the seconds until it would."""

    limit: str
    wait: float


@dataclass(slots=True)
class Meter:
    """One installation's last hour; times are seconds since 1970."""

    running: int = 0
    hasty_writes: int = 0
    peaks: dict[str, int] = field(default_factory=dict)
    _points: deque[tuple[float, int]] = field(default_factory=deque)
    _content: deque[float] = field(default_factory=deque)
    _last_write: float | None = None

    def charge(self, now: float, *, is_read: bool, is_content: bool, ceilings: Ceilings) -> Excess | None:
        """Count a request that has begun, unless it is too much: then say of what."""
        self._forget(now)
        points = READ_POINTS if is_read else WRITE_POINTS
        excess = next(self._excesses(now, points, ceilings, is_content=is_content), None)
        if excess is not None:
            return excess
        self._points.append((now, points))
        if is_content:
            self._content.append(now)
        if not is_read:
            self.hasty_writes += self._last_write is not None and now - self._last_write < ADVISED_SPACING
            self._last_write = now
        for name, value in self._levels(now).items():
            self.peaks[name] = max(value, self.peaks.get(name, 0))
        return None

    def _excesses(self, now: float, points: int, ceilings: Ceilings, *, is_content: bool) -> Iterator[Excess]:
        levels = self._levels(now)
        after = {
            "concurrent": levels["concurrent"],  # it counts itself already
            "points_per_minute": levels["points_per_minute"] + points,
            "content_per_minute": levels["content_per_minute"] + is_content,
            "content_per_hour": levels["content_per_hour"] + is_content,
        }
        for name, value in after.items():
            ceiling: int | None = getattr(ceilings, name)
            if ceiling is not None and value > ceiling and (is_content or not name.startswith("content")):
                yield Excess(name, self._wait(name, now))

    def _wait(self, name: str, now: float) -> float:
        """Return how long until the oldest that counts is counted no more."""
        if name == "content_per_hour":
            return self._content[0] + HOUR - now if self._content else HOUR
        recent = (
            (moment for moment, _ in self._points)
            if name == "points_per_minute"
            else (moment for moment in self._content if moment > now - MINUTE)
        )
        return next(recent, now) + MINUTE - now

    def _levels(self, now: float) -> dict[str, int]:
        return {
            "concurrent": self.running,
            "points_per_minute": sum(points for _, points in self._points),
            "content_per_minute": sum(moment > now - MINUTE for moment in self._content),
            "content_per_hour": len(self._content),
        }

    def _forget(self, now: float) -> None:
        while self._points and self._points[0][0] <= now - MINUTE:
            self._points.popleft()
        while self._content and self._content[0] <= now - HOUR:
            self._content.popleft()
