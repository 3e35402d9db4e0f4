"""Four processes of four clients each, which begin each round together."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]
PROCESSES, THREADS = 4, 4


class Racers:
    """The processes, over their pipes."""

    def __init__(self, children: list[subprocess.Popen[str]]) -> None:
        self._children = children

    def play(self, specs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give each process its part of the round, all at once; return what the sixteen clients were told."""
        for child, spec in zip(self._children, specs, strict=True):
            assert child.stdin is not None
            print(json.dumps(spec), file=child.stdin, flush=True)
        return [told for child in self._children for told in json.loads(_line(child))]


def _line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline()


@contextmanager
def racing(endpoint_url: str, table: str) -> Iterator[Racers]:
    """Start the processes; return when all are ready."""
    paths = os.pathsep.join(str(ROOT / each) for each in ("layers/core/python", "infra", "."))
    arguments = [sys.executable, str(Path(__file__).with_name("clients.py")), endpoint_url, table, str(THREADS)]
    environment = {"PYTHONPATH": paths, "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    with ExitStack() as stack:
        children = [
            stack.enter_context(
                subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
            )
            for _ in range(PROCESSES)
        ]
        for child in children:
            assert _line(child) == "ready\n"
        yield Racers(children)
