import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from codereview.adapters.analyzers.engine import EngineError, EngineReport
from codereview.adapters.analyzers.local import LocalAnalyzers
from codereview.adapters.analyzers.secrets import SecretsEngine
from codereview.cli.analyze import analyze
from codereview.domain.result import RunStatus
from codereview.model_ports import SourceFile
from codereview.use_cases.analyze_files import AnalyzeFiles

INJECTION = b"import os\n\n\ndef run(command):\n    os.system(command)\n"
SECRET = "k3tTle" + "wh1stle"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, content: bytes) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def run(*arguments: str) -> Result:
    return CliRunner().invoke(analyze, list(arguments), catch_exceptions=False)


def sarif_results(result: Result) -> list[dict[str, Any]]:
    return [finding for part in json.loads(result.stdout)["runs"] for finding in part["results"]]


def test_a_folder_is_walked_and_findings_come_by_path_and_line() -> None:
    write("src/run.py", INJECTION)
    write("src/app.js", f'const a = 1;\nconst password = "{SECRET}";\n'.encode())
    result = run(".")
    assert result.exit_code == 0
    assert result.stdout == (
        "src/app.js:2: high Password in the source [secrets password]\n"
        "src/run.py:5: high Starting a process with a shell, possible injection detected [ruff S605]\n"
    )


def test_json_has_the_documented_fields_and_no_secret() -> None:
    write("app.py", f'password = "{SECRET}"\n'.encode())
    result = run("app.py", "--format", "json")
    (finding,) = json.loads(result.stdout)
    assert {key: finding[key] for key in ("path", "line", "agent", "rule", "severity", "title")} == {
        "path": "app.py",
        "line": 1,
        "agent": "secrets",
        "rule": "password",
        "severity": "high",
        "title": "Password in the source",
    }
    assert set(finding) == {"path", "line", "agent", "rule", "severity", "title", "body", "fingerprint"}
    assert SECRET not in result.stdout


def test_sarif_places_findings_on_their_lines() -> None:
    write("src/run.py", INJECTION)
    (finding,) = sarif_results(run("src", "--format", "sarif"))
    location = finding["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "src/run.py"
    assert location["region"]["startLine"] == 5


def test_only_the_chosen_engine_runs() -> None:
    write("run.py", INJECTION + f'password = "{SECRET}"\n'.encode())
    rules = [finding["rule"] for finding in json.loads(run("run.py", "--engine", "secrets", "--format", "json").stdout)]
    assert rules == ["password"]


def test_nothing_found_is_an_empty_list_and_no_failure() -> None:
    write("a.py", b"x = 1\n")
    result = run("a.py", "--format", "json")
    assert (result.exit_code, json.loads(result.stdout), result.stderr) == (0, [], "")


@pytest.mark.parametrize("folder", [".git", "node_modules", ".venv", "a/b/node_modules"])
def test_folders_of_others_are_not_walked(folder: str) -> None:
    write(f"{folder}/run.py", INJECTION)
    assert run(".").stdout == ""


def test_links_are_not_followed(tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "run.py").write_bytes(INJECTION)
    Path("link.py").symlink_to(outside / "run.py")
    Path("folder").symlink_to(outside)
    Path("loop").symlink_to(".")
    assert run(".").stdout == ""


def test_a_file_that_is_named_twice_is_analyzed_once() -> None:
    write("src/run.py", INJECTION)
    assert len(run("src", "src/run.py", "./src").stdout.splitlines()) == 1


def test_b37_names_cannot_steer_the_terminal_or_break_json() -> None:
    Path(os.fsdecode(b"\x1b[31m\xff\n.py")).write_bytes(INJECTION)
    assert "\x1b" not in run(".").stdout
    assert len(run(".").stdout.splitlines()) == 1
    (finding,) = json.loads(run(".", "--format", "json").stdout)
    assert finding["path"] == "\x1b[31m\ufffd\n.py"
    assert len(sarif_results(run(".", "--format", "sarif"))) == 1


def test_a_file_that_is_too_large_is_said_and_fails_the_run() -> None:
    write("run.py", INJECTION)
    with Path("big.bin").open("wb") as file:
        file.truncate(21 << 20)
    result = run(".")
    assert result.exit_code == 1
    assert result.stderr == "Not analyzed: big.bin: larger than 20 MB\n"
    assert "run.py:5" in result.stdout


@pytest.mark.parametrize("arguments", [[], ["missing.py"], [".", "--format", "xml"], [".", "--engine", "eslint"]])
def test_a_wrong_command_line_is_told_apart(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_equal_lines_of_a_file_have_fingerprints_of_their_own_that_survive_a_move() -> None:
    write("a.py", INJECTION + b"\n\ndef again(command):\n    os.system(command)\n")
    before = [finding["fingerprint"] for finding in json.loads(run("a.py", "--format", "json").stdout)]
    write("a.py", b"# a comment\n\n" + INJECTION + b"\n\ndef again(command):\n        os.system(command)\n")
    after = [finding["fingerprint"] for finding in json.loads(run("a.py", "--format", "json").stdout)]
    assert before == after
    assert len(set(before)) == 2


def test_files_are_analyzed_in_portions_and_a_failed_engine_is_named_once() -> None:
    class Failing:
        def version(self) -> str:
            return "1"

        def analyze(self, files: object) -> EngineReport:
            raise EngineError("fell over")

    analyzers = LocalAnalyzers({"failing": Failing(), "secrets": SecretsEngine()})
    files = (SourceFile(path=f"{number}.py", content=f'password = "{SECRET}"'.encode()) for number in range(1_100))
    result = AnalyzeFiles(analyzers=analyzers)(files, ["failing", "secrets"])
    assert len(result.findings) == 1_100
    assert [(run.agent, run.status, run.reason) for run in result.runs] == [
        ("failing", RunStatus.FAILED, "fell over"),
        ("secrets", RunStatus.COMPLETE, None),
    ]
    assert result.coverage.file_count == 1_100
