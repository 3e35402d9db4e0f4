"""Gap: a function may hold as much memory as the machine has.

With this extension one whose process holds more than its MemorySize is killed in the middle of its work, without a last
word, as on AWS. Only the process itself counts, not what it starts.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_SECONDS = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def limited(process: Callable[[], int | None], megabytes: int) -> Iterator[None]:
    """Kill what `process` names, which may come to life later, as soon as it holds more than `megabytes`."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_LOOK_SECONDS):
            number = process()
            if number is not None and _resident(number) > megabytes * 1024 * 1024:
                os.kill(number, signal.SIGKILL)

    watcher = threading.Thread(target=watch, daemon=True, name="memory")
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


def _resident(process: int) -> int:
    """Return how many bytes a process holds; none of one that has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
