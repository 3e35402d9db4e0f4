"""Log lines as JSON, with the keys that Powertools gives them in the other functions, without its 75 ms of import."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from codereview.domain.metrics import NOWHERE, Metric, Origin, addressed, embedded

if TYPE_CHECKING:
    from codereview.ports import Clock

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
_LONGEST_VALUE = 200  # characters

Value = str | int | bool | None


class JsonLog:
    """Writes one line a call. Values are cut, and escaped to ASCII, so that no text can begin a line of its own."""

    def __init__(
        self, write: Callable[[str], object], clock: "Clock", *, service: str, level: str, origin: Origin = NOWHERE
    ) -> None:
        """Give finished lines to `write`; leave out what is below `level`."""
        self._write = write
        self._clock = clock
        self._service = service
        self._origin = origin
        self._threshold = _LEVELS[level]

    def __call__(
        self, level: str, message: str, *, measured: Mapping[Metric, float] | None = None, **values: Value
    ) -> None:
        """Log `message`, a fixed sentence, with what varies as `values`; None is left out.

        A line that carries metrics is written at any level: who silences a log does not mean to silence its alarms.
        """
        if _LEVELS[level] < self._threshold and not measured:
            return
        now = self._clock.now()
        line: dict[str, Any] = {
            "level": level,
            "message": message,
            "timestamp": _powertools_time(now),
            "service": self._service,
        }
        if measured:
            line |= embedded(measured, at=now)
        for name, value in values.items():
            if value is not None:
                line[name] = value[:_LONGEST_VALUE] if isinstance(value, str) else value
        self._write(json.dumps(addressed(line, self._origin), separators=(",", ":")) + "\n")


def _powertools_time(now: datetime) -> str:
    """Format as Powertools does, 2026-11-23 18:08:51,123+0000."""
    return f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03}{now:%z}"
