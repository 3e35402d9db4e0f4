"""Runs a program that reads hostile files: no environment, no terminal, bounded in time, memory and output.

What this cannot do (no network, no permissions) is the job of the function's VPC and role.
"""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from codereview.adapters.analyzers.engine import EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may take."""

    seconds: float = 10.0
    memory_bytes: int = 700 << 20  # of address space; the function has 1,024 MB, and 300 are enough for large files
    output_bytes: int = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A program that ended by itself."""

    status: int
    output: bytes


def run_confined(
    command: Sequence[str], *, directory: Path, limits: Limits, variables: Mapping[str, str] | None = None
) -> Completed:
    """Run the command in `directory`, a fresh one, where its output is kept too.

    `variables` are all that its environment has besides the usual ones.
    Raises EngineError when the program cannot be started, takes too long, is killed or says more than it may.
    """
    answer = directory / "answer"
    with answer.open("wb") as output:
        try:
            # A session of its own, so that what the program may have started can be ended with it.
            process = subprocess.Popen(  # noqa: S603 - the command is ours, without a shell; only the files are strangers'
                command,
                cwd=directory,
                env={**_environment(directory), **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"cannot be started: {error.strerror}") from error
        status = _await(process, limits)
    if status < 0:
        raise EngineError(f"was ended by {_signal_name(-status)}")
    with answer.open("rb") as written:
        text = written.read(limits.output_bytes + 1)
    if len(text) >= limits.output_bytes:
        raise EngineError(f"printed more than {limits.output_bytes:,} bytes")
    return Completed(status=status, output=text)


def _environment(directory: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8", "RAYON_NUM_THREADS": "2"}


def _await(process: subprocess.Popen[bytes], limits: Limits) -> int:
    """Wait for the end, at most as long as allowed."""
    try:
        _limit(process.pid, limits)
        return process.wait(timeout=limits.seconds)
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"took longer than {limits.seconds:.0f} s") from error
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _limit(pid: int, limits: Limits) -> None:
    """Set the kernel's limits on the child.

    From outside, since `preexec_fn` may deadlock in a process with threads. The program runs free for the microseconds
    before; it is the input that is hostile, and no input is read that fast. macOS has no such call: there, in
    development, only time and the size of the answer are bounded.
    """
    if sys.platform == "linux":
        cpu = int(limits.seconds) + 1
        for kind, bound in (
            (resource.RLIMIT_AS, limits.memory_bytes),
            (resource.RLIMIT_FSIZE, limits.output_bytes),
            (resource.RLIMIT_CPU, 2 * cpu),
            (resource.RLIMIT_CORE, 0),
        ):
            with suppress(ProcessLookupError):
                resource.prlimit(pid, kind, (bound, bound))


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
