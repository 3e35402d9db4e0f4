"""Completion at the press of Tab: the script that a shell is given, and what it asks the command for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from codereview.cli.control.tenants import tenants
from codereview.cli.main import cli

PROGRAM = "from codereview.cli.main import main; import sys; sys.argv[0] = 'codereview'; main()"


def script(shell: str) -> str:
    printed = CliRunner().invoke(cli, ["completion", shell])
    assert printed.exit_code == 0, printed.output
    return printed.stdout


def completed(monkeypatch: pytest.MonkeyPatch, line: str) -> list[str]:
    """Ask as fish does, which sends the words so far and the one that is being typed; return the words on offer."""
    *_, last = line.split(" ")
    for name, value in {"_CODEREVIEW_COMPLETE": "fish_complete", "COMP_WORDS": line, "COMP_CWORD": last}.items():
        monkeypatch.setenv(name, value)
    answer = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    offered = (entry for entry in answer.stdout.splitlines() if entry.startswith("plain"))
    return [entry.removeprefix("plain,").partition("\t")[0] for entry in offered]


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_each_shell_is_given_a_script_that_asks_the_command(shell: str) -> None:
    assert f"_CODEREVIEW_COMPLETE={shell}_complete" in script(shell)
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script(shell), text=True, check=True)


def test_another_shell_is_a_wrong_command_line() -> None:
    assert CliRunner().invoke(cli, ["completion", "ksh"]).exit_code == 2


def test_a_group_offers_its_commands_and_a_command_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(monkeypatch, "codereview tenants ") == sorted(tenants.commands)
    assert completed(monkeypatch, "codereview keys ro") == ["rotate"]
    assert "--overlap" in completed(monkeypatch, "codereview keys rotate --")
    assert set(completed(monkeypatch, "codereview completion ")) == {"bash", "fish", "zsh"}


def test_in_bash_a_tab_after_a_group_offers_its_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "codereview"
    program.write_text(f"#!{sys.executable}\n{PROGRAM}\n")
    program.chmod(0o755)
    tab = 'COMP_WORDS=(codereview tenants ""); COMP_CWORD=2; _codereview_completion codereview "" tenants'
    typed = f'{script("bash")}\n{tab}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    answer = subprocess.run(["bash"], input=typed, capture_output=True, text=True, check=True)
    assert sorted(answer.stdout.split()) == sorted(tenants.commands)
