"""Ends the processes of a stack and removes its files when the command that started them ends.

It runs as a process of its own, in a session of its own, and knows of its parent only the other end of a
pipe: the pipe closes when the parent closes it, when it returns, and when it is killed without any chance
to clean up. Children do not have to cooperate and the way down is the same in all three cases.

Each line on the pipe is `<process group> <signal>`; the arguments are files and folders to remove.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.02


def main(doomed: list[str]) -> None:
    """Wait for the end of standard input, then end the groups that it named and remove `doomed`."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups = {}
    for line in sys.stdin:
        group, polite_signal = line.split()
        groups[int(group)] = int(polite_signal)
    _end(groups)
    for path in map(Path, doomed):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _end(groups: dict[int, int]) -> None:
    """Signal every group as it was asked for, and kill what is left after the grace period."""
    for group, polite_signal in groups.items():
        _signal(group, polite_signal)
    deadline = time.monotonic() + _GRACE_SECONDS
    while any(_signal(group, 0) for group in groups) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    for group in groups:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Return whether the group still exists; 0 asks without signalling."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    main(sys.argv[1:])
