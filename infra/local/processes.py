"""Child processes that cannot outlive the command that started them, and the ports they listen on."""

import contextlib
import itertools
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from local import guardian
from local.checkout import child_environment

LOOPBACK = "127.0.0.1"
_GUARDIAN_SECONDS = 15.0


class Processes:
    """The processes of one stack, each in a group of its own, watched by one guardian.

    Leaving the context ends them all and removes `doomed`; so does the death of this process.
    """

    def __init__(self, doomed: Sequence[Path]) -> None:
        self._doomed = doomed
        self._children: list[subprocess.Popen[bytes]] = []
        self._guardian: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", guardian.__file__, *map(str, self._doomed)],
            stdin=subprocess.PIPE,
            text=True,
            env=child_environment({}),
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._guardian is None or self._guardian.stdin is None:
            return
        self._guardian.stdin.close()
        deadline = time.monotonic() + _GUARDIAN_SECONDS
        # The guardian waits until the groups are gone, and a dead child stays in its group until its parent,
        # which is this process, has asked for its status.
        while self._guardian.poll() is None and time.monotonic() < deadline:
            for child in self._children:
                child.poll()
            time.sleep(0.01)
        self._guardian = None

    def start(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        folder: Path,
        log: Path,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> subprocess.Popen[bytes]:
        """Start `command` in its own process group with its output in `log`."""
        if self._guardian is None or self._guardian.stdin is None:
            raise RuntimeError("the context of these processes is not entered")
        with log.open("ab") as output:
            child = subprocess.Popen(
                [str(part) for part in command],
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with self._lock:
            self._guardian.stdin.write(f"{child.pid} {int(stop_signal)}\n")
            self._guardian.stdin.flush()
            self._children.append(child)
        return child

    def run(self, command: Sequence[str | Path], *, environment: Mapping[str, str], folder: Path, log: Path) -> None:
        """Run `command` to its end; raise `RuntimeError` with the end of its output when it fails."""
        child = self.start(command, environment=environment, folder=folder, log=log)
        if child.wait():
            name = " ".join([Path(command[0]).name, *map(str, command[1:2])])
            raise RuntimeError(f"{name} failed:\n{tail(log, lines=60)}")


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody listens on at the moment.

    They lie below those that systems give to outgoing connections, which would take one between this look and its
    user's own. Another server may still do so; that shows as a failed start.
    """
    candidates = random.sample(range(20_000, 32_000), k=count * 50)
    with contextlib.ExitStack() as held:
        free = (port for port in candidates if _can_bind(held.enter_context(socket.socket()), port))
        return list(itertools.islice(free, count))


def _can_bind(candidate: socket.socket, port: int) -> bool:
    try:
        candidate.bind((LOOPBACK, port))
    except OSError:
        return False
    return True


def wait_until(
    is_ready: Callable[[], bool], *, child: subprocess.Popen[bytes], name: str, log: Path, seconds: float = 30.0
) -> None:
    """Return as soon as `is_ready`; raise `RuntimeError` with the log's end if the child dies or takes longer."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if child.poll() is not None:
            raise RuntimeError(f"{name} ended with status {child.returncode}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} is not ready after {seconds:.0f} s:\n{tail(log)}")
        time.sleep(0.03)


def is_listening(port: int) -> bool:
    """Tell whether something accepts connections on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def tail(log: Path, lines: int = 30) -> str:
    """Return the last lines of a log, empty when there is none."""
    if not log.is_file():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
