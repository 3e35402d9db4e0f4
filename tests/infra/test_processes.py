"""What the launcher starts ends with it, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.checkout import ROOT

_PROGRAM = """
import sys, time
from pathlib import Path
from local import aws, database
from local.processes import Processes, free_ports

folder = Path(sys.argv[1])
with Processes([folder]) as processes:
    aws_port, database_port = free_ports(2)
    (folder / "database").mkdir()
    aws.start(processes, folder=folder / "aws", port=aws_port)
    database.start(processes, folder=folder / "database", port=database_port)
    print("up", flush=True)
    if sys.argv[2] == "stay":
        time.sleep(600)
"""


def launch(folder: Path, temporary: Path, how: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(folder), how],
        env={**os.environ, "PYTHONPATH": str(ROOT / "infra"), "TMPDIR": str(temporary)},  # noqa: TID251 -- PATH and HOME
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    return child


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of all processes that have to do with the folder."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                where = str((process / "cwd").readlink())
            except OSError:
                continue
            if str(folder) in line or where.startswith(str(folder)):
                found.append(line)
    return found


@pytest.mark.parametrize("end", ["by itself", signal.SIGTERM, signal.SIGKILL], ids=str)
def test_nothing_is_left_behind(tmp_path: Path, end: str | signal.Signals) -> None:
    folder, temporary = tmp_path / "run", tmp_path / "tmp"
    folder.mkdir()
    temporary.mkdir()
    with launch(folder, temporary, "stay" if isinstance(end, signal.Signals) else "go") as child:
        if isinstance(end, signal.Signals):
            assert processes_of(folder)
            child.send_signal(end)
    for _ in range(300):
        if not processes_of(folder) and not folder.exists():
            break
        time.sleep(0.1)
    assert processes_of(folder) == []
    assert not folder.exists()
    assert list(temporary.iterdir()) == []
