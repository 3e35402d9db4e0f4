import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/core/python/codereview"
# The analyzers run in a function without network and permissions; the command line runs git on its user's own checkout.
MAY_START_PROGRAMS = (PACKAGE / "adapters/analyzers", PACKAGE / "cli")
MODULES = {"subprocess", "pty", "multiprocessing", "popen2", "commands"}
OS_CALLS = {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp"}
CODE_FROM_TEXT = {"eval", "exec", "compile", "__import__"}


def starts_programs(source: str) -> Iterator[str]:
    """Name every way to start a program, or to run text as code, that the source contains."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name.partition(".")[0] in MODULES)
            case ast.ImportFrom(module=str(module), names=names):
                if module.partition(".")[0] in MODULES or (
                    module == "asyncio" and any("subprocess" in name.name for name in names)
                ):
                    yield module
                if module == "os":
                    yield from (name.name for name in names if is_os_call(name.name))
            case ast.Attribute(value=ast.Name(id="os"), attr=attribute) if is_os_call(attribute):
                yield f"os.{attribute}"
            case ast.Attribute(value=ast.Name(id="asyncio"), attr=attribute) if "subprocess" in attribute:
                yield f"asyncio.{attribute}"
            case ast.Call(func=ast.Name(id=name)) if name in CODE_FROM_TEXT:
                yield name


def is_os_call(name: str) -> bool:
    return name in OS_CALLS or name.startswith(("exec", "spawn"))


def sources() -> list[Path]:
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    return [file for file in files if not any(file.is_relative_to(folder) for folder in MAY_START_PROGRAMS)]


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(ROOT)))
def test_programs_are_started_by_the_analyzers_and_the_command_line_only(file: Path) -> None:
    assert list(starts_programs(file.read_text())) == []


def test_the_analyzers_do_start_one_in_one_place() -> None:
    starting = [
        file.name for file in PACKAGE.joinpath("adapters").rglob("*.py") if list(starts_programs(file.read_text()))
    ]
    assert starting == ["confinement.py"]


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "import subprocess as s",
        "from subprocess import run",
        "import os\nos.system('x')",
        "from os import execvp",
        "import os\nos.posix_spawn('x', [], {})",
        "import asyncio\nasyncio.create_subprocess_exec('x')",
        "from asyncio import create_subprocess_shell",
        "import multiprocessing.pool",
        "def f():\n    import subprocess",
        "eval('1')",
    ],
)
def test_the_search_sees_every_way(source: str) -> None:
    assert list(starts_programs(source))
