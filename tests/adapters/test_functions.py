"""Functions are found in every language that is known, whatever the files are."""

import stat
import sys
from pathlib import Path

import pytest

from codereview.adapters.analyzers import functions
from codereview.adapters.analyzers.confinement import Limits
from codereview.adapters.analyzers.engine import EngineError
from codereview.adapters.analyzers.functions import functions_of
from codereview.adapters.analyzers.local import local_analyzers
from codereview.adapters.analyzers.outliner import LANGUAGES
from codereview.domain.outline import Span
from codereview.model_ports import SourceFile

# Each has one function in its lines 2 to 4.
SAMPLES = {
    "bash": "#\nf() {\n  ls\n}\n",
    "c": "//\nint f(void) {\n  return 1;\n}\n",
    "cpp": "//\nint A::f() {\n  return 1;\n}\n",
    "csharp": "class A {\n  int F() {\n    return 1;\n  }\n}\n",
    "css": "/**/\na {\n  color: red;\n}\n",
    "dart": "//\nint f() {\n  return 1;\n}\n",
    "elixir": "defmodule A do\n  def f(x) do\n    x\n  end\nend\n",
    "go": "package a\nfunc f() int {\n\treturn 1\n}\n",
    "haskell": "module A where\nf x =\n  let y = x\n  in y\n",
    "hcl": '#\nresource "a" "b" {\n  c = 1\n}\n',
    "java": "class A {\n  int f() {\n    return 1;\n  }\n}\n",
    "javascript": "//\nfunction f() {\n  return 1;\n}\n",
    "kotlin": "class A {\n  fun f(): Int {\n    return 1\n  }\n}\n",
    "lua": "--\nfunction f()\n  return 1\nend\n",
    "nix": "#\nx:\n  x +\n  1\n",
    "php": "<?php\nfunction f() {\n  return 1;\n}\n",
    "python": "#\n@cache\ndef f():\n    return 1\n",
    "ruby": "#\ndef f\n  1\nend\n",
    "rust": "//\nfn f() -> i32 {\n    1\n}\n",
    "scala": "object A {\n  def f: Int = {\n    1\n  }\n}\n",
    "solidity": "contract A {\n  function f() public {\n    g();\n  }\n}\n",
    "swift": "//\nfunc f() -> Int {\n  return 1\n}\n",
    "tsx": "//\nfunction F() {\n  return <a />;\n}\n",
    "typescript": "//\nconst f = (): number => {\n  return 1;\n};\n",
}


def found(path: str, content: bytes) -> tuple[Span, ...]:
    return functions_of([SourceFile(path=path, content=content)]).get(path, ())


def test_every_language_has_a_sample() -> None:
    assert set(SAMPLES) == set(LANGUAGES.values())


@pytest.mark.parametrize("language", SAMPLES)
def test_a_function_is_found_in_each_language(language: str) -> None:
    suffix = next(suffix for suffix, name in LANGUAGES.items() if name == language)
    assert Span(2, 4) in found(f"src/odd (name){suffix.upper()}", SAMPLES[language].encode())


def test_files_without_a_known_language_cost_nothing() -> None:
    assert functions_of([SourceFile(path="README", content=b"x"), SourceFile(path="a.txt", content=b"x")]) == {}


HOSTILE = {
    "empty": b"",
    "binary": bytes(range(256)) * 100,
    "nul": b"\0" * 1_000,
    "no utf-8": b"def f():\n    return '\xff\xfe'\n",
    "deep": b"(" * 200_000,
    "deep blocks": b"if x:\n" + b"".join(b" " * depth + b"if x:\n" for depth in range(1, 400)),
    "one line": b"x = [" + b"1, " * 300_000 + b"]",
    "too large": b"def f():\n    pass\n" * 100_000,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("suffix", [".py", ".ts", ".cpp", ".rb"])
def test_a_hostile_file_ends_in_functions_or_the_named_error(suffix: str, content: bytes) -> None:
    try:
        spans = found(f"a{suffix}", content)
    except EngineError:
        return
    assert all(1 <= span.first <= span.last <= content.count(b"\n") + 1 for span in spans)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os; os.abort()", "SIGABRT"),
        ("raise SystemExit(3)", "status 3"),
        ("print('[[1, 2]')", "something else"),
        ("print('[[1]]')", "something else"),
        ("print('[]\\n[]')", "something else"),
        ("while True: pass", "longer than"),
    ],
)
def test_a_parser_that_dies_lies_or_never_ends_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, reason: str
) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text(f"#!{sys.executable} -IS\n{program}\n")
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(functions.sys, "executable", str(stand_in))  # type: ignore[attr-defined]
    with pytest.raises(EngineError, match=reason):
        functions_of([SourceFile(path="a.py", content=b"x")], limits=Limits(seconds=1.0))


def test_a_parser_that_dies_costs_the_other_engines_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions.sys, "executable", "/no/such/program")  # type: ignore[attr-defined]
    report = local_analyzers().analyze([SourceFile(path="a.py", content=b"def f():\n  x\n")], ["functions", "secrets"])
    assert (set(report.failed), set(report.versions), report.outlines) == ({"functions"}, {"secrets"}, {})


def test_the_local_analyzers_tell_functions_where_they_are_asked_for_them() -> None:
    file = SourceFile(path="a.py", content=b"def f():\n    return 1\n")
    assert local_analyzers().analyze([file], ["functions"]).outlines == {"a.py": (Span(1, 2),)}
    assert local_analyzers().analyze([file], ["unicode"]).outlines == {}
