"""What a person sees at a terminal: tables of its width, and JSON only when asked."""

import json
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from codereview.domain.control.scopes import Scope
from codereview.domain.control.tokens import parse_token
from tests.functions.api.test_command_line import Gateway
from tests.functions.api.world import MINE, World, tenant_path

HEADINGS = ["ID", "NAME", "SCOPES", "EXPIRES", "LAST USED", "REVOKED"]
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def environment(world: World, tmp_path: Path) -> Iterator[dict[str, str]]:
    """All that the command is told. The terminal's width is not in it: readline writes one into pytest's own."""
    gateway = Gateway(world)
    yield {
        "CODEREVIEW_API_URL": gateway.url,
        "CODEREVIEW_API_KEY": world.key({Scope.KEYS_READ, Scope.KEYS_WRITE}),
        "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TERM": "xterm-256color",
    }
    gateway.close()


def typed(environment: dict[str, str], *words: str, width: int) -> list[str]:
    """Run the command at a terminal of that many columns, and return the lines on it without their style."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, width))
    command = [sys.executable, "-c", "from codereview.cli.main import main; main()", *words]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: read(ours), b""))
    os.close(ours)
    assert process.returncode == 0, shown
    return [_STYLE.sub("", line).rstrip() for line in shown.decode().splitlines()]


def read(terminal: int) -> bytes:
    """Read on; a terminal that nobody writes to any more is an error on Linux."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_a_list_is_a_table_with_each_value_below_its_heading(world: World, environment: dict[str, str]) -> None:
    issued = world.issue({Scope.KEYS_READ}).key
    heading, *rows = typed(environment, "keys", "list", width=160)
    starts = [heading.index(name) for name in HEADINGS]
    (row,) = (row for row in rows if row.startswith(issued.id))
    cells = [row[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
    assert re.split(r" {2,}", heading) == HEADINGS
    assert cells == [issued.id, "ci", "keys:read", issued.expires_at.isoformat().replace("+00:00", "Z"), "-", "-"]


def test_a_narrow_terminal_loses_nothing_of_a_list(world: World, environment: dict[str, str]) -> None:
    issued = world.issue({Scope.KEYS_READ}).key
    heading, *rows = typed(environment, "keys", "list", width=70)
    assert max(map(len, rows)) <= 70
    assert issued.id in "".join(row[: heading.index("NAME")].strip() for row in rows)


def test_a_key_that_is_shown_once_can_be_copied_whole(world: World, environment: dict[str, str]) -> None:
    wanted = ("--name", "ci", "--scope", "keys:read", "--expires", "2026-04-01")
    lines = typed(environment, "keys", "create", *wanted, width=40)
    shown = dict(line.split(maxsplit=1) for line in lines)
    parsed = parse_token(shown["token"], environment="test")
    assert parsed is not None
    assert parsed.id == shown["key.id"]
    assert world.call("GET", tenant_path(MINE, "/keys"), shown["token"]).status == 200


def test_json_is_json_at_a_terminal_too(world: World, environment: dict[str, str]) -> None:
    issued = world.issue({Scope.KEYS_READ}).key
    shown = json.loads("\n".join(typed(environment, "keys", "show", issued.id, "--json", width=80)))
    assert (shown["id"], shown["revoked_at"]) == (issued.id, None)
