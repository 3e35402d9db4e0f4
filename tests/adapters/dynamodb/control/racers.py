"""Four processes of four clients each, which begin each round together."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.adapters.dynamodb.control.samples import NOW

ROOT = Path(__file__).parents[4]
PROCESSES, THREADS = 4, 4
ROUNDS = 30


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


def is_exact(racers: Racers, number: int) -> bool:
    """Play a round over buckets; return whether exactly as much was let in as there was.

    Each process has a key of its own; all share the tenant. Time stands still in a step, so the count is known.
    """
    dice = random.Random(number)
    tenant, key, cost = dice.randint(1, 40), dice.randint(1, 15), dice.choice([1, 1, 1, 2])
    spec = {"owner": f"t{number}", "cost": cost, "attempts": 6}
    takes = [[["tenant", 60, tenant], [f"key#{process}", 60, key]] for process in range(PROCESSES)]
    level, levels = tenant, [key] * PROCESSES
    for second in (0, cost):  # time in which the worth of one take comes back, to the tenant and to each key
        now = (NOW + timedelta(seconds=second)).isoformat()
        level = min(level + second, tenant)
        levels = [min(each + second, key) for each in levels]
        told = racers.play([spec | {"takes": each, "now": now} for each in takes])
        taken = [sum(each["taken"] for each in told[n * THREADS :][:THREADS]) for n in range(PROCESSES)]
        fitting = [min(each // cost, THREADS * 6) for each in levels]
        is_whole = sum(taken) == min(level // cost, sum(fitting))
        is_fair = all(each <= most for each, most in zip(taken, fitting, strict=True))
        if not (is_whole and is_fair and all(each["requests"] <= each["decided"] * 5 for each in told)):
            return False
        level -= sum(taken) * cost
        levels = [each - got * cost for each, got in zip(levels, taken, strict=True)]
    return True


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
