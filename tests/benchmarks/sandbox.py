"""One function under AWS's Runtime Interface Emulator, started as Lambda does: awslambdaric and its own layers only."""

import json
import os
import platform
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_EMULATORS = ROOT / ".tools/sam/lib/python3.13/site-packages/samcli/local/rapid"
_EMULATOR = _EMULATORS / f"aws-lambda-rie-{'arm64' if platform.machine() in ('arm64', 'aarch64') else 'x86_64'}"
_PYTHON = ROOT / ".tools/runtime/bin/python"  # holds awslambdaric and nothing else

_INIT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")
_INVOKE = re.compile(r"INVOKE RTDONE\(.*duration: ([0-9.]+)ms\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """What is to be measured; `event` None: only its start."""

    name: str
    folder: Path
    layers: Sequence[Path]
    environment: Mapping[str, str]
    event: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One sandbox's life: milliseconds in the runtime, megabytes at its peak, the status of its last answer."""

    init: float
    first: float
    later: Sequence[float]
    megabytes: float
    status: object


def run_once(function: Function, log: Path, *, later: int) -> Start:
    """Start a sandbox, invoke it once and then `later` times more, and end it."""
    with _sandbox(function, log) as (process, port):
        answer: object = None
        for _ in range(1 + later):
            answer = _invoke(port, function.event or {})
        _wait_for_report(log, count=1 + later)
        megabytes = _peak_memory(process)
    text = log.read_text()
    durations = [float(each) for each in _INVOKE.findall(text)]
    [init] = _INIT.findall(text)
    status = answer.get("statusCode", answer.get("errorType", "ok")) if isinstance(answer, dict) else "ok"
    return Start(init=float(init), first=durations[0], later=durations[1:], megabytes=megabytes, status=status)


@contextmanager
def _sandbox(function: Function, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port, runtime_port = _free_port(), _free_port()
    command = [
        *(str(_EMULATOR), "--log-level", "info"),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
        *(str(_PYTHON), "-m", "awslambdaric", "handler.handle"),
    ]
    environment = {
        "PATH": "/usr/bin:/bin",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
        "PYTHONPATH": ":".join(map(str, function.layers)),
        **function.environment,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=function.folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_until_listening(port, process)
        yield process, port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    raise RuntimeError("the Runtime Interface Emulator did not start")


def _invoke(port: int, event: Mapping[str, Any]) -> object:
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(event).encode()), timeout=60) as response:
        return json.load(response)


def _wait_for_report(log: Path, *, count: int) -> None:
    """Wait for the emulator to write the last invocation's report, which it does after the answer."""
    for _ in range(200):
        if len(_INVOKE.findall(log.read_text())) >= count:
            return
        time.sleep(0.01)
    raise RuntimeError(f"the Runtime Interface Emulator reported fewer than {count} invocations:\n{log.read_text()}")


def _peak_memory(emulator: subprocess.Popen[bytes]) -> float:
    """Read the peak resident size of the emulator's child; the kernel keeps it in `VmHWM`, in kB."""
    children = Path(f"/proc/{emulator.pid}/task").glob("*/children")
    [runtime] = {child for each in children for child in each.read_text().split()}
    [peak] = re.findall(r"VmHWM:\s+([0-9]+) kB", Path(f"/proc/{runtime}/status").read_text())
    return int(peak) / 1024
