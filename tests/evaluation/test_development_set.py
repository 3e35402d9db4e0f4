"""The pipeline loses and misplaces nothing of what a perfect model says, and little of what a careless one does."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from codereview.cli.eval import evaluate

CASES = Path(__file__).parent / "cases"
SEEDS = (1, 2, 3)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(evaluate, list(map(str, arguments)), catch_exceptions=False)


def measured(*arguments: str | Path, exit_code: int = 0) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == exit_code, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def write_case(folder: Path, diff: str | bytes | None, golden: object) -> Path:
    folder.mkdir(parents=True)
    if diff is not None:
        (folder / "pr.diff").write_bytes(diff if isinstance(diff, bytes) else diff.encode())
    (folder / "golden.json").write_text(golden if isinstance(golden, str) else json.dumps(golden))
    return folder


DIFF = """diff --git a/x.py b/x.py
index 1111111..2222222 100644
--- a/x.py
+++ b/x.py
@@ -1,3 +1,4 @@
 import os
-value = 1
+value = 2
+os.remove(value)
 print(value)
"""
ONE = {"path": "x.py", "side": "RIGHT", "from_line": 2, "to_line": 3, "text": "Files are no numbers."}


# --- the bars


def test_a_perfect_models_findings_all_arrive_on_exactly_their_lines() -> None:
    document = measured(CASES, "--oracle")
    assert len(document["cases"]) >= 14
    for case in document["cases"]:
        assert (case["delivered"], case["lost"], case["wrong"]) == (case["golden"], 0, 0), case["case"]
        assert case["inline_exact"] == case["in_diff"], case["case"]
        assert (case["refused"], case["duplicates"], case["failed_agents"]) == (0, 0, 0), case["case"]
    assert document["total"]["token_ratio"] <= 1.3


def test_careless_models_findings_arrive_exactly_in_96_of_100_cases_and_wrongly_in_at_most_2() -> None:
    totals = [measured(CASES, "--noise", str(seed))["total"] for seed in SEEDS]
    in_diff = sum(total["in_diff"] for total in totals)
    assert sum(total["inline_exact"] for total in totals) >= 0.96 * in_diff
    assert sum(total["wrong"] for total in totals) <= 0.02 * in_diff
    assert all(total["refused"] == total["duplicates"] == 0 for total in totals)


def test_the_same_seed_makes_the_same_mistakes_and_another_seed_others() -> None:
    folder = CASES / "javascript-equal-lines"
    one, again, other = (measured(folder, "--noise", seed) for seed in ("1", "1", "3"))
    assert one == again
    assert one["cases"] != other["cases"]


# --- what is counted


def test_lines_of_locked_and_deleted_files_are_told_from_lines_that_the_model_saw(tmp_path: Path) -> None:
    (case,) = measured(write_case(tmp_path / "seen", DIFF, [ONE]), "--oracle")["cases"]
    assert (case["commented_lines"], case["visible_lines"], case["visible_share"]) == (2, 2, 1.0)
    hidden = DIFF.replace("x.py", "poetry.lock")
    (case,) = measured(write_case(tmp_path / "hidden", hidden + DIFF, [ONE | {"path": "poetry.lock"}]), "--oracle")[
        "cases"
    ]
    assert (case["commented_lines"], case["visible_lines"], case["inline_exact"]) == (2, 0, 1)


def test_more_findings_than_a_review_has_comments_are_all_measured(tmp_path: Path) -> None:
    rows = "".join(f"+value_{number} = compute_{number * 7}()\n" for number in range(180))
    diff = f"diff --git a/n.py b/n.py\nnew file mode 100644\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1,180 @@\n{rows}"
    words = [f"{chr(97 + number % 26) * 5}{chr(97 + number // 26) * 5}" for number in range(120)]
    golden = [{"path": "n.py", "to_line": 1 + number, "text": words[number]} for number in range(120)]
    (case,) = measured(write_case(tmp_path / "many", diff, golden), "--oracle")["cases"]
    assert (case["inline_exact"], case["lost"], case["refused"], case["duplicates"]) == (120, 0, 0, 0)


def test_a_finding_about_a_whole_function_keeps_its_last_line(tmp_path: Path) -> None:
    rows = "".join(f"+    total += prices[{number}] * counts[{number}]\n" for number in range(180))
    diff = f"diff --git a/n.py b/n.py\nnew file mode 100644\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1,180 @@\n{rows}"
    golden = [{"path": "n.py", "from_line": 3, "to_line": 170, "text": "A loop would do."}]
    (case,) = measured(write_case(tmp_path / "case", diff, golden), "--oracle")["cases"]
    assert (case["in_diff"], case["inline_exact"]) == (1, 1)


def test_a_model_of_ones_own_is_measured_by_where_it_comments(tmp_path: Path) -> None:
    replay = tmp_path / "answers.jsonl"
    hit = {
        "path": "x.py",
        "quote": "os.remove(value)",
        "line": 3,
        "title": "It removes",
        "body": "It removes a number.",
    }
    replay.write_text(json.dumps({"agent": "correctness", "findings": [hit]}) + "\n")
    golden = [ONE | {"from_line": 3}, ONE | {"side": "LEFT", "from_line": 2, "to_line": 2}]
    (case,) = measured(write_case(tmp_path / "case", DIFF, golden), "--model", f"replay:{replay}")["cases"]
    assert (case["delivered"], case["inline_exact"], case["lost"]) == (1, 1, 1)


def test_the_cost_follows_the_prices(tmp_path: Path) -> None:
    folder = write_case(tmp_path / "case", DIFF, [ONE])
    free = measured(folder, "--oracle", "--prices", "0", "0", "0")["total"]
    dear = measured(folder, "--oracle", "--prices", "1000000", "0", "0")["total"]
    assert free["cost_usd"] == 0
    assert dear["cost_usd"] == dear["input_tokens"] - dear["cached_tokens"] > 0


def test_the_table_names_every_case_and_the_sum() -> None:
    lines = run(CASES, "--oracle").output.split("\n")
    names = [line.split()[0] for line in lines if line]
    assert names[: len(list(CASES.glob("*/pr.diff"))) + 2] == [
        "case",
        *sorted(path.parent.name for path in CASES.glob("*/pr.diff")),
        "total",
    ]


# --- how cases may be written


@pytest.mark.parametrize(
    "golden",
    [
        pytest.param({"findings": [ONE]}, id="an object with findings"),
        pytest.param({"comments": [{"path": "x.py", "body": "b", "line": 3, "start_line": 2}]}, id="github's names"),
        pytest.param([{**ONE, "side": None}], id="no side"),
        pytest.param([{**ONE, "side": "right", "extra": [1]}], id="lower case, and something more"),
        pytest.param([{**ONE, "from_line": "2", "to_line": "3"}], id="numbers as text"),
        pytest.param([{**ONE, "from_line": 2.0, "to_line": 3.0}], id="numbers with a point"),
        pytest.param([{**ONE, "from_line": 3, "to_line": 2}], id="backwards"),
        pytest.param([{**ONE, "text": ""}], id="no words"),
    ],
)
def test_golden_findings_may_be_written_in_several_ways(tmp_path: Path, golden: object) -> None:
    (case,) = measured(write_case(tmp_path / "case", DIFF, golden), "--oracle")["cases"]
    assert (case["in_diff"], case["inline_exact"]) == (1, 1)


def test_a_finding_without_from_line_is_about_one_line(tmp_path: Path) -> None:
    golden = [{"path": "x.py", "to_line": 3, "text": "t"}]
    (case,) = measured(write_case(tmp_path / "case", DIFF, golden), "--oracle")["cases"]
    assert (case["commented_lines"], case["inline_exact"]) == (1, 1)


def test_a_diff_that_lost_its_last_line_end_is_read(tmp_path: Path) -> None:
    (case,) = measured(write_case(tmp_path / "case", DIFF.rstrip("\n"), [ONE]), "--oracle")["cases"]
    assert case["inline_exact"] == 1


@pytest.mark.parametrize(
    ("diff", "golden", "says"),
    [
        pytest.param(DIFF, "{", "golden.json: not JSON", id="no json"),
        pytest.param(DIFF, {"x": 1}, "golden.json: neither a list", id="no list"),
        pytest.param(DIFF, [ONE, 7], "golden.json: finding 2: not an object", id="no object"),
        pytest.param(DIFF, [{**ONE, "path": 7}], "finding 1: `path` is missing or no text", id="no path"),
        pytest.param(DIFF, [{**ONE, "side": "UP"}], "finding 1: `side` is neither RIGHT nor LEFT", id="no side"),
        pytest.param(DIFF, [{**ONE, "to_line": 0}], "finding 1: `to_line` is no line number", id="line 0"),
        pytest.param(DIFF, [{**ONE, "from_line": True}], "finding 1: `from_line` is no line number", id="a yes"),
        pytest.param(DIFF, [{"path": "x.py", "text": "t"}], "finding 1: `to_line` is missing", id="no line"),
        pytest.param(DIFF, [{**ONE, "text": [1]}], "finding 1: `text` is no text", id="no text"),
        pytest.param("nonsense\n", [ONE], "pr.diff: line 1 of the diff", id="no diff"),
        pytest.param(None, [ONE], "case.json: No such file", id="no change"),
    ],
)
def test_a_malformed_case_is_named_by_file_and_field_and_the_others_run(
    tmp_path: Path, diff: str | None, golden: object, says: str
) -> None:
    write_case(tmp_path / "bad", diff, golden)
    write_case(tmp_path / "good", DIFF, [ONE])
    document = measured(tmp_path, "--oracle", exit_code=2)
    assert [case["case"] for case in document["cases"]] == ["good"]
    (problem,) = document["problems"]
    assert problem.startswith("bad: ")
    assert says in problem
    assert run(tmp_path, "--oracle").stderr == f"codereview: {problem}\n"


def test_a_folder_without_cases_is_wrong_usage(tmp_path: Path) -> None:
    assert "no cases" in run(tmp_path, "--oracle").stderr
    assert run(tmp_path, "--oracle").exit_code == 2
    assert run(CASES, "--oracle", "--model", "mock").exit_code == 2


# --- a git range


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    body = "".join(f"    step_{number}(state)\n" for number in range(12))
    for message, rate in (("base", "3"), ("head", "4")):
        (folder / "a.py").write_text(f"RATE = 1\n\n\ndef total(state):\n{body}    return state * {rate}\n")
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", message]):
            identity = ["-c", "user.name=A", "-c", "user.email=a@b.example"]
            subprocess.run(["git", "-C", str(folder), *identity, *command], check=True)
    return folder


def test_a_git_range_is_reviewed_with_the_functions_around(clone: Path, tmp_path: Path) -> None:
    golden = [
        {"path": "a.py", "to_line": 17, "text": "Four is not the rate."},
        {"path": "a.py", "to_line": 5, "text": "The first step is called without a check."},
    ]
    folder = write_case(tmp_path / "cases" / "range", None, golden)
    (folder / "case.json").write_text(json.dumps({"repo": "../../clone", "base": "HEAD~1", "head": "HEAD"}))
    (case,) = measured(tmp_path / "cases", "--oracle")["cases"]
    assert (case["golden"], case["in_diff"], case["inline_exact"], case["delivered"]) == (2, 1, 1, 2)
    assert case["visible_lines"] == 2
    assert clone.name == "clone"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("[]", "case.json: not an object"),
        ("{", "case.json: not JSON"),
        ('{"repo": ".", "base": "x"}', "case.json: `head` is missing or no text"),
        ('{"repo": "nowhere", "base": "x", "head": "y"}', "no such folder"),
        ('{"repo": "../../clone", "base": "x", "head": "y"}', "there is no commit 'x'"),
    ],
)
def test_a_range_that_is_none_is_a_malformed_case(clone: Path, tmp_path: Path, document: str, says: str) -> None:
    folder = write_case(tmp_path / "cases" / "range", None, [])
    (folder / "case.json").write_text(document)
    (problem,) = measured(tmp_path / "cases", "--oracle", exit_code=2)["problems"]
    assert says in problem
    assert clone.is_dir()
