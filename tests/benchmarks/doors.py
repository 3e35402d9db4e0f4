"""What the limits and keys of the control plane promise, as figures: exactness, requests, and how soon a change counts.

No test, though none of it is a time of this machine: what is counted are requests, and seconds of a clock of its own.
"""

import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from local import aws
from local.processes import Processes, free_ports
from tests.adapters.dynamodb.control.racers import PROCESSES, ROUNDS, THREADS, is_exact, racing
from tests.functions.api.world import MINE, World, tenant_path

_KEYS = tenant_path(MINE, "/keys")
_LONGEST = 600  # seconds after which nobody waits any more
_DRIVERS = ("psycopg", "sqlalchemy")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name, Processes([Path(name) / "tmp"]) as processes:
        (port,) = free_ports(1)
        emulator = aws.start(processes, folder=Path(name), port=port)
        world = World.new(emulator, "doors")
        with racing(emulator.endpoint_url, world.settings.control_table) as racers:
            exact = sum(is_exact(racers, number) for number in range(ROUNDS))
        _print(f"Race rounds exact: {exact} of {ROUNDS}, {PROCESSES * THREADS} clients in {PROCESSES} processes")
        _print_key_check(world)
        _print(f"A revoked key is refused after {_revocation(world)} s by a process that just let it in (at most 60)")
        _print(f"A lower limit counts after {_limit(world)} s in a process that just read the old one (at most 60)")


def _print_key_check(world: World) -> None:
    """Tell what a check asks for: the control table, and of the record's database not even its driver is there."""
    key = world.key()
    asked = dict[str, str]()
    for name, token in (("a good key", key), ("what cannot be a key", key[:-1] + "!")):
        world.call("GET", _KEYS, token)
        world.table.calls.clear()
        world.app.services.verify(token)
        asked[name] = ", ".join(world.table.calls) or "nothing"
    loaded = [driver for driver in _DRIVERS if driver in sys.modules]
    for name, requests in asked.items():
        _print(f"The check of {name} asks the control table for: {requests}")
    _print(f"Drivers of the record's database in the process that checked: {', '.join(loaded) or 'none'}")


def _revocation(world: World) -> int:
    issued, elsewhere = world.issue(), world.fresh()
    _require(world.call("GET", _KEYS, issued.token.text).status, 200)
    admin = world.operator()
    _require(world.call("DELETE", f"{_KEYS}/{issued.key.id}", admin, app=elsewhere).status, 204)
    return _seconds(world, lambda: world.call("GET", _KEYS, issued.token.text).status == 401)


def _limit(world: World) -> int:
    key, operator = world.key(), world.operator()
    path, elsewhere = tenant_path(MINE, "/limits"), world.fresh()
    _require(world.call("GET", _KEYS, key).status, 200)
    limits = {"requests_per_key": {"units": 2, "period_seconds": 60, "burst": 2}}
    changed = world.call("PUT", path, operator, body=limits, headers={"if-match": '"0"'}, app=elsewhere)
    _require(changed.status, 200)
    return _seconds(world, lambda: '"key";q=2;' in world.call("GET", _KEYS, key).headers["ratelimit-policy"])


def _seconds(world: World, is_seen: Callable[[], bool]) -> int:
    """Look once a second of the world's clock."""
    for passed in range(_LONGEST):
        if is_seen():
            return passed
        world.clock.sleep(timedelta(seconds=1))
    sys.exit("A change was not seen at all.")


def _require(status: int, expected: int) -> None:
    if status != expected:
        sys.exit(f"{status} instead of {expected}: the figures would mean nothing.")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
