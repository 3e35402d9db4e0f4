import json
import os
import random
import stat
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codereview.adapters.analyzers.confinement import Limits, run_confined
from codereview.adapters.analyzers.engine import MAX_CANDIDATES, MAX_QUOTE, EngineError, EngineReport
from codereview.adapters.analyzers.local import LocalAnalyzers, local_analyzers
from codereview.adapters.analyzers.ruff import RuffEngine
from codereview.adapters.analyzers.ruff_rules import ADVICE, NOT_IN_TESTS, SEVERITIES, SYNTAX_ERROR
from codereview.adapters.analyzers.secrets import SecretsEngine
from codereview.domain.finding import Candidate, Severity
from codereview.model_ports import SourceFile

INJECTION = b"import subprocess\n\n\ndef run(command):\n    subprocess.run(command, shell=True)\n"


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything that an engine writes must be gone afterwards."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def ruff(*files: tuple[str, bytes], engine: RuffEngine | None = None) -> EngineReport:
    return (engine or RuffEngine()).analyze([SourceFile(path=path, content=content) for path, content in files])


def found(report: EngineReport) -> list[tuple[str, int | None, str]]:
    return [(candidate.path, candidate.line, candidate.rule) for candidate in report.candidates]


def program(folder: Path, text: str) -> str:
    """A stand-in for the ruff binary."""
    path = folder / "program"
    path.write_text(f"#!{sys.executable} -IS\n{textwrap.dedent(text)}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


# --- ruff: what it finds ---------------------------------------------------------------------------------------------


def test_ruff_finds_bugs_and_weaknesses_with_line_and_quote() -> None:
    report = ruff(("src/run.py", INJECTION))
    (candidate,) = report.candidates
    assert report.problem is None
    assert (candidate.agent, candidate.rule, candidate.severity) == ("ruff", "S602", Severity.HIGH)
    assert (candidate.path, candidate.line) == ("src/run.py", 5)
    assert candidate.quote == "    subprocess.run(command, shell=True)"
    assert "list of arguments" in candidate.body
    assert candidate.suppressed_at is None


def test_ruff_says_nothing_about_style_or_constant_commands() -> None:
    text = (
        b"import os, sys\nimport subprocess as p\nassert sys\np.run('ls -l', shell=True)\np.run(['ls'])\nl = 1;x=os\n"
    )
    assert found(ruff(("a.py", text))) == []


def test_in_a_test_suite_only_what_matters_there_is_reported() -> None:
    text = b"import random, hashlib\nx = random.random()\ny = hashlib.md5(b'')\nz = undefined\n"
    assert found(ruff(("tests/test_a.py", text))) == [("tests/test_a.py", 4, "F821")]
    assert len(found(ruff(("src/a.py", text)))) == 3


def test_only_python_files_are_given_to_ruff() -> None:
    files = [
        ("a.js", b"undefined()"),
        ("b.pyi", b"def f(x: Unknown) -> None: ...\n"),
        ("tool", b"#!/usr/bin/env python3\nundefined()\n"),
    ]
    assert found(ruff(*files)) == [("b.pyi", 1, "F821"), ("tool", 2, "F821")]


def test_every_rule_that_is_spoken_of_is_selected_and_known_to_ruff() -> None:
    assert set(ADVICE) - {SYNTAX_ERROR} <= set(SEVERITIES)
    assert set(SEVERITIES) >= NOT_IN_TESTS
    with tempfile.TemporaryDirectory() as folder:
        command = [RuffEngine()._binary, "rule", "--all", "--output-format=json"]
        output = run_confined(command, directory=Path(folder), limits=Limits()).output.decode()
    stable = {rule["code"] for rule in json.loads(output) if "Stable" in str(rule["status"])}
    assert set(SEVERITIES) <= stable


# --- ruff: the repository is hostile ---------------------------------------------------------------------------------


def test_the_repositorys_configuration_is_not_obeyed() -> None:
    files = [
        ("ruff.toml", b"exclude = ['*']\n[lint]\nselect = []\nignore = ['S602']\n"),
        (".ruff.toml", b"extend = '/etc/passwd'\n"),
        ("pyproject.toml", b"[tool.ruff]\nexclude = ['*.py']\n"),
        ("setup.cfg", b"[flake8]\nignore = S602\n"),
        (".gitignore", b"*\n"),
        ("src/run.py", b"# /// script\n# [tool.ruff.lint]\n# ignore = ['S602']\n# ///\n" + INJECTION),
    ]
    assert found(ruff(*files)) == [("src/run.py", 9, "S602")]


def test_a_configuration_above_the_temporary_folder_is_not_obeyed(own_temporary_folder: Path) -> None:
    configuration = "force-exclude = true\nexclude = ['*']\n[lint.per-file-ignores]\n'*' = ['ALL']\n"
    (own_temporary_folder / "ruff.toml").write_text(configuration)
    (own_temporary_folder / ".gitignore").write_text("*\n")
    assert found(ruff(("src/run.py", INJECTION))) == [("src/run.py", 5, "S602")]


@pytest.mark.parametrize(
    ("text", "line", "comment"),
    [
        (b"import os\nos.system(x)  # noqa\n", 2, 2),
        (b"import os\nos.system(x)  # noqa: S605, F821\n", 2, 2),
        (b"# ruff: noqa\nimport os\n\nos.system(x)\n", 4, 1),
        (b"import os\n\n# flake8: noqa\nos.system(x)\n", 4, 3),
        (b"import os\n# ruff: disable[S605, F821]\nos.system(x)\n# ruff: enable[S605, F821]\n", 3, 2),
    ],
    ids=["line", "codes", "file", "flake8", "range"],
)
def test_a_suppressed_finding_is_reported_with_the_line_of_the_comment(text: bytes, line: int, comment: int) -> None:
    report = ruff(("a.py", text))
    assert found(report) == [("a.py", line, "S605"), ("a.py", line, "F821")]
    assert {candidate.suppressed_at for candidate in report.candidates} == {comment}
    assert all(f"line {comment} suppresses" in candidate.body for candidate in report.candidates)


@pytest.mark.parametrize(
    "path",
    [
        "--fix.py",
        "-o/etc/passwd.py",
        "--config=evil.toml",
        "a\nb.py",
        'quote".py',
        "tab\t.py",
        "../../etc/cron.d/a.py",
        "/etc/a.py",
        "@args.py",
        "x" * 4096 + ".py",
        "\udcff\udcfe.py",
        "nul\0.py",
        "~/.py/a.py",
    ],
    ids=lambda path: repr(path[:12]),
)
def test_b37_names_mean_nothing_to_the_program(path: str, own_temporary_folder: Path) -> None:
    name = path if path.endswith(".py") else path + ".py"
    assert found(ruff((name, INJECTION))) == [(name, 5, "S602")]
    assert list(own_temporary_folder.iterdir()) == []


def test_equal_names_are_kept_apart() -> None:
    assert found(ruff(("a/x.py", INJECTION), ("b/x.py", b"undefined()\n"))) == [
        ("a/x.py", 5, "S602"),
        ("b/x.py", 1, "F821"),
    ]


def test_binary_garbage_is_no_python() -> None:
    garbage = random.Random(1).randbytes(100_000)
    assert found(ruff(("a.py", garbage), ("b.py", INJECTION))) == [("b.py", 5, "S602")]


def test_one_syntax_error_is_reported_and_the_other_files_are_checked() -> None:
    report = ruff(("bad.py", b"def f(:\n    x = = 1\n  y\n"), ("good.py", INJECTION))
    assert found(report) == [("bad.py", 1, SYNTAX_ERROR), ("good.py", 5, "S602")]
    assert report.problem is None


def test_a_template_is_no_syntax_error() -> None:
    assert found(ruff(("hook.py", b"import {{ cookiecutter.name }}\n"))) == []


def test_another_encoding_hides_nothing() -> None:
    text = b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + INJECTION
    assert found(ruff(("a.py", text))) == [("a.py", 7, "S602")]


@pytest.mark.parametrize(
    ("text", "line", "quote"),
    [
        (b"a = 1\r\nundefined()\r\n", 2, "undefined()"),
        (b"a = 1\rb = 2\nundefined()\n", 2, "undefined()"),
        (b"a = 1\x0c\nundefined()\n", 2, "undefined()"),
        ("a = '\u2028\x85'\nundefined()\n".encode(), 2, "undefined()"),
        (b"a = 1\nundefined()", 2, "undefined()"),
        (b"\xef\xbb\xbfundefined()\n", 1, "\ufeffundefined()"),
        (b"a = 1\r\rundefined()\r", 1, "a = 1\r\rundefined()"),
    ],
    ids=["CRLF", "CR", "form feed", "U+2028", "no newline", "BOM", "CR only"],
)
def test_b36_lines_are_gits_lines(text: bytes, line: int, quote: str) -> None:
    (candidate,) = ruff(("a.py", text)).candidates
    assert (candidate.line, candidate.quote) == (line, quote)


def test_b36_a_line_of_10_mb_comes_to_an_end_and_is_said() -> None:
    engine = RuffEngine(limits=Limits(seconds=3), total_seconds=8)
    report = ruff(("big.py", b"x = [" + b"1," * 5_000_000 + b"]; undefined()"), ("a.py", INJECTION), engine=engine)
    assert ("a.py", 5, "S602") in found(report)
    assert "big.py" in (report.problem or "") or ("big.py", 1, "F821") in found(report)
    assert all(len(candidate.quote) <= MAX_QUOTE for candidate in report.candidates)


def test_a_file_that_ends_the_program_costs_only_itself() -> None:
    deep = b"x = " + b"+".join([b"1"] * 300_000)
    files = [(f"{number}.py", INJECTION) for number in range(5)]
    report = ruff(*files[:2], ("deep.py", deep), *files[2:])
    assert found(report) == [(path, 5, "S602") for path, _ in files]
    assert (report.problem or "").startswith("not checked: deep.py: ruff was ended by SIG")


def test_there_is_an_end_to_the_findings_of_one_file() -> None:
    report = ruff(("a.py", b"undefined()\n" * (MAX_CANDIDATES + 10)))
    assert len(report.candidates) == MAX_CANDIDATES
    assert report.problem == "stopped after 2,000 findings"


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=300), st.text(max_size=20))
def test_no_bytes_make_it_raise(content: bytes, path: str) -> None:
    report = ruff((path + ".py", content + b"\nundefined()\n"), ("good.py", INJECTION))
    assert ("good.py", 5, "S602") in found(report)
    lines = content.count(b"\n") + 3
    assert all(1 <= (candidate.line or 0) <= max(lines, 5) for candidate in report.candidates)


# --- confinement -----------------------------------------------------------------------------------------------------


def test_the_program_gets_no_environment_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "CANARY-token")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    script = program(tmp_path, "import os, sys\nprint(sorted(os.environ), os.getcwd(), sys.stdin.read())\n")
    output = run_confined([script], directory=tmp_path, limits=Limits()).output.decode()
    assert output.strip() == f"['HOME', 'LC_ALL', 'PATH', 'RAYON_NUM_THREADS'] {tmp_path}"


@pytest.mark.parametrize(
    ("text", "limits", "said"),
    [
        ("import time\ntime.sleep(3600)\n", Limits(seconds=0.5), "took longer than"),
        (
            "while True: print('x' * 1000)\n",
            Limits(seconds=5, output_bytes=100_000),
            "printed more than|was ended by SIGXFSZ",
        ),
        ("x = bytearray(1 << 30)\nprint('[]')\n", Limits(memory_bytes=300 << 20), "something else than"),
        ("import os\nos.kill(os.getpid(), 11)\n", Limits(), "was ended by SIGSEGV"),
        ("raise SystemExit(7)\n", Limits(), "ended with status 7"),
        ("print('[{]')\n", Limits(), "something else than its documented JSON"),
        ("print('[{\"code\": 1}]')\n", Limits(), "something else than its documented JSON"),
    ],
    ids=["time", "output", "memory", "signal", "status", "no JSON", "other JSON"],
)
def test_a_program_that_misbehaves_is_a_problem_and_no_crash(
    tmp_path: Path, text: str, limits: Limits, said: str
) -> None:
    script = program(tmp_path, text)
    report = ruff(("a.py", INJECTION), engine=RuffEngine(script, limits=limits))
    assert report.candidates == ()
    assert (report.problem or "").startswith("not checked: a.py: ruff ")
    assert any(option in (report.problem or "") for option in said.split("|"))


def test_what_the_program_started_ends_with_it(tmp_path: Path) -> None:
    pipe = tmp_path / "held"
    os.mkfifo(pipe)
    script = program(
        tmp_path,
        f"""
        import os, time
        held = os.open({str(pipe)!r}, os.O_WRONLY)
        os.write(held, b"begun")
        if os.fork() == 0:
            time.sleep(3600)
        """,
    )
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    run_confined([script], directory=tmp_path, limits=Limits())
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb") as stream:
        assert stream.read() == b"begun"  # up to the end, which there is only when nobody holds the pipe any more


def test_an_overdrawn_call_ends_and_names_what_was_not_checked(tmp_path: Path) -> None:
    script = program(tmp_path, "import time\ntime.sleep(3600)\n")
    engine = RuffEngine(script, limits=Limits(seconds=0.3), total_seconds=1)
    report = ruff(*((f"{number}.py", INJECTION) for number in range(64)), engine=engine)
    assert "0.py and 63 more" in (report.problem or "")


def test_a_missing_binary_is_an_engine_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be started"):
        RuffEngine(str(tmp_path / "none")).version()


# --- secrets ---------------------------------------------------------------------------------------------------------

SECRET = "k3tTle" + "wh1stle"


def secrets(*files: tuple[str, bytes], engine: SecretsEngine | None = None) -> EngineReport:
    return (engine or SecretsEngine()).analyze([SourceFile(path=path, content=content) for path, content in files])


def test_a_secret_is_quoted_by_its_line_and_named_nowhere_else() -> None:
    text = f'import os\r\n\tpassword = "{SECRET}"\r\n'.encode()
    (candidate,) = secrets(("app.py", text)).candidates
    assert (candidate.agent, candidate.rule, candidate.line) == ("secrets", "password", 2)
    assert candidate.quote == f'\tpassword = "{SECRET}"'
    assert SECRET not in candidate.title + candidate.body
    assert candidate.title == "Password in the source"


def test_b36_in_a_line_of_10_mb_the_quote_is_the_part_around_the_secret() -> None:
    text = b"x=1;" * 1_250_000 + f'password="{SECRET}";'.encode() + b"y=2;" * 1_250_000
    (candidate,) = secrets(("app.js", text)).candidates
    assert SECRET in candidate.quote
    assert len(candidate.quote) <= MAX_QUOTE
    assert candidate.quote in text.decode()


def test_binary_files_are_not_searched_and_odd_bytes_are_no_hindrance() -> None:
    line = f'password = "{SECRET}"\n'.encode()
    report = secrets(("a.bin", b"\0" + line), ("b.py", b"\xff\xfe\xe9\n" + line))
    assert [(candidate.path, candidate.line) for candidate in report.candidates] == [("b.py", 2)]


def test_when_time_is_up_the_report_says_so() -> None:
    ticks = iter(range(1000))
    report = secrets(
        *[("a.py", b"x\n")] * 20, engine=SecretsEngine(total_seconds=10, monotonic=lambda: float(next(ticks)))
    )
    assert "not wholly searched" in (report.problem or "")


# --- several engines -------------------------------------------------------------------------------------------------


class Broken:
    def version(self) -> str:
        return "0"

    def analyze(self, files: Sequence[SourceFile]) -> EngineReport:
        raise EngineError("fell over")


class Partial:
    def version(self) -> str:
        return "9"

    def analyze(self, files: Sequence[SourceFile]) -> EngineReport:
        candidate = Candidate(agent="partial", rule="r", severity=Severity.LOW, path="a", quote="", title="t", body="b")
        return EngineReport(candidates=(candidate,), problem="half done")


def test_one_failing_engine_is_reported_and_the_others_work() -> None:
    analyzers = LocalAnalyzers({"broken": Broken(), "partial": Partial(), "secrets": SecretsEngine()})
    files = [SourceFile(path="a.py", content=f'password = "{SECRET}"'.encode())]
    report = analyzers.analyze(files, ["broken", "partial", "secrets", "unheard-of", "secrets"])
    assert [candidate.agent for candidate in report.candidates] == ["partial", "secrets"]
    assert report.failed == {"broken": "fell over", "partial": "half done", "unheard-of": "no such engine here"}
    assert report.versions["partial"] == "9"


def test_the_package_brings_both_engines_with_their_versions() -> None:
    report = local_analyzers().analyze([SourceFile(path="run.py", content=INJECTION)], ["ruff", "secrets"])
    assert [candidate.rule for candidate in report.candidates] == ["S602"]
    assert report.versions["ruff"].count(".") == 2
    assert report.failed == {}


def test_only_the_engines_that_were_asked_for_run() -> None:
    report = local_analyzers().analyze([SourceFile(path="run.py", content=INJECTION)], ["secrets"])
    assert (report.candidates, set(report.versions)) == ((), {"secrets"})


def test_no_link_and_no_file_of_ours_is_ever_opened(own_temporary_folder: Path) -> None:
    target = own_temporary_folder.parent / "outside.py"
    target.write_bytes(INJECTION)
    link = own_temporary_folder / "0001.py"
    link.symlink_to(target)
    assert found(ruff(("0001.py", b"x = 1\n"))) == []
    assert target.read_bytes() == INJECTION
