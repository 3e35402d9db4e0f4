"""The mock and the replay model, and which model a specification names."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from codereview.adapters.models.mock import MockModel
from codereview.adapters.models.replay import ReplayModel, replay_model
from codereview.adapters.models.selection import language_model
from codereview.domain.answers import UnusableAnswerError, parse_answer
from codereview.domain.change import Change, FileChange, FileStatus, Hunk, Row, RowKind
from codereview.domain.context import render_change
from codereview.errors import ConfigurationError, UserError
from codereview.model_ports import ModelRequest, StopReason

DEADLINE = timedelta(seconds=1)
CODE = [f"value_{number} = compute({number})" for number in range(1, 11)]


def change_of(*lines: str, path: str = "src/odd (name).py", old_path: str | None = "a.py") -> Change:
    rows = [Row(RowKind.CONTEXT, 1, 1, b"import thing_one"), Row(RowKind.REMOVED, 2, None, b"removed_line = gone")]
    rows += [Row(RowKind.ADDED, None, number, line.encode()) for number, line in enumerate(lines, start=2)]
    hunk = Hunk(1, 2, 1, len(rows) - 1, b"def f():", tuple(rows))
    file = FileChange(path=path, status=FileStatus.RENAMED, old_path=old_path, hunks=(hunk,))
    return Change(base_sha="a", head_sha="b", files=(file,), file_count=1)


def findings(question: ModelRequest, agent: str, *lines: str) -> list[dict[str, Any]]:
    request = replace(question, agent=agent, change=render_change(change_of(*lines)))
    answer = MockModel().answer(request, deadline=DEADLINE)
    assert answer.stop is StopReason.COMPLETE
    listed: list[dict[str, Any]] = json.loads(answer.text)["findings"]
    return listed


def kinds(claims: list[dict[str, Any]], *lines: str) -> list[str]:
    """Say of each claim whether its quote is real, and whether its line number is that quote's."""
    numbers = {line: number for number, line in enumerate(lines, start=2)}
    return [
        "invented"
        if claim["quote"] not in numbers
        else "right"
        if claim["line"] == numbers[claim["quote"]]
        else "moved"
        for claim in claims
    ]


def test_the_mock_quotes_changed_lines_and_errs_once_in_each_way(question: ModelRequest) -> None:
    defects = findings(question, "correctness", *CODE)
    weaknesses = findings(question, "security", *CODE)
    assert sorted(kinds(defects, *CODE)) == ["invented", "moved", "right"]
    assert kinds(weaknesses, *CODE) == ["right", "right"]
    assert not {claim["quote"] for claim in defects} & {claim["quote"] for claim in weaknesses}
    assert {claim["path"] for claim in defects + weaknesses} == {"src/odd (name).py"}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_mock_errs_in_each_way_on_a_small_change_too(question: ModelRequest, count: int) -> None:
    claims = findings(question, "correctness", *CODE[:count])
    assert {"invented", "moved"} <= set(kinds(claims, *CODE[:count]))


def test_the_mock_says_the_same_to_the_same_question(question: ModelRequest) -> None:
    assert findings(question, "correctness", *CODE) == findings(question, "correctness", *CODE)
    assert MockModel().is_mock


def test_the_mock_says_in_every_finding_that_it_is_one(question: ModelRequest) -> None:
    for agent in ("correctness", "security"):
        assert all("Mock" in claim["title"] and "mock" in claim["body"] for claim in findings(question, agent, *CODE))


def test_the_mock_finds_nothing_where_nothing_was_added(question: ModelRequest) -> None:
    assert findings(question, "correctness") == []
    assert findings(question, "correctness", "", "}", "  )") == []


def test_code_that_looks_like_a_heading_does_not_mislead_the_mock(question: ModelRequest) -> None:
    claims = findings(question, "correctness", "=== file: other.py (modified)", "     9 + x = 1", "real_line = 1")
    assert {claim["path"] for claim in claims} == {"src/odd (name).py"}


def test_what_the_mock_says_is_an_answer(question: ModelRequest) -> None:
    request = replace(question, change=render_change(change_of(*CODE)))
    answer = parse_answer(MockModel().answer(request, deadline=DEADLINE).text, "correctness")
    assert (len(answer.candidates), answer.malformed, answer.duplicates) == (3, 0, 0)


def replay(tmp_path: Path, *lines: Any) -> ReplayModel:
    file = tmp_path / "answers.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return replay_model(file)


def said(model: ReplayModel, question: ModelRequest, agent: str) -> str:
    return model.answer(replace(question, agent=agent), deadline=DEADLINE).text


FINDING = {"path": "a.py", "quote": "x", "line": 1, "severity": "low", "title": "t", "body": "b"}


def test_a_replay_gives_each_agent_its_answer(tmp_path: Path, question: ModelRequest) -> None:
    raw = 'Sure!\n```json\n{"findings": [\ud83d'
    model = replay(
        tmp_path, {"agent": "correctness", "findings": [FINDING]}, "", {"agent": "security", "raw": raw}, "  "
    )
    assert json.loads(said(model, question, "correctness")) == {"findings": [FINDING], "verdicts": []}
    assert said(model, question, "security") == raw
    assert model.agents == {"correctness", "security"}
    assert not model.is_mock


def test_an_agent_without_a_line_finds_nothing(tmp_path: Path, question: ModelRequest) -> None:
    model = replay(tmp_path, {"agent": "security", "findings": [FINDING]})
    assert parse_answer(said(model, question, "correctness"), "correctness").candidates == ()


def test_several_lines_of_findings_of_an_agent_are_one_answer(tmp_path: Path, question: ModelRequest) -> None:
    other = {**FINDING, "path": "b.py"}
    model = replay(tmp_path, {"agent": "security", "findings": [FINDING]}, {"agent": "security", "findings": [other]})
    assert json.loads(said(model, question, "security")) == {"findings": [FINDING, other], "verdicts": []}


def test_a_raw_answer_that_is_none_stays_none(tmp_path: Path, question: ModelRequest) -> None:
    model = replay(tmp_path, {"agent": "security", "raw": ""})
    with pytest.raises(UnusableAnswerError):
        parse_answer(said(model, question, "security"), "security")


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[" * 100_000,
        "7",
        {"findings": []},
        {"agent": "", "findings": []},
        {"agent": 7, "findings": []},
        {"agent": "security"},
        {"agent": "security", "findings": {}},
        {"agent": "security", "raw": None},
    ],
)
def test_b100_a_bad_line_of_a_replay_is_named(tmp_path: Path, line: Any) -> None:
    with pytest.raises(UserError, match="line 2"):
        replay(tmp_path, {"agent": "correctness", "findings": []}, line)


def test_b100_a_second_answer_beside_a_raw_one_is_refused(tmp_path: Path) -> None:
    raw, listed = {"agent": "security", "raw": "x"}, {"agent": "security", "findings": []}
    for lines in ((raw, raw), (raw, listed), (listed, raw)):
        with pytest.raises(UserError, match="line 2"):
            replay(tmp_path, *lines)


def test_b100_a_replay_file_that_cannot_be_read_is_the_users_error(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "missing.jsonl", tmp_path, tmp_path / "binary"):
        with pytest.raises(UserError, match="replay file"):
            replay_model(path)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("mock", "mock"),
        (" mock\r\n", "mock"),
        ("anthropic:claude-opus-5", "anthropic:claude-opus-5"),
        ("bedrock:eu.anthropic.claude-x-v1:0", "bedrock:eu.anthropic.claude-x-v1:0"),
        (
            "bedrock:arn:aws:bedrock:eu-central-1:1:inference-profile/a.b:0",
            "bedrock:arn:aws:bedrock:eu-central-1:1:inference-profile/a.b:0",
        ),
        ("openai:gpt-9", "openai:gpt-9"),
        ("openai:Qwen/Qwen3-Coder@https://models.example:8443/v1", "openai:Qwen/Qwen3-Coder"),
        ("openai:@cf/qwen/coder@https://models.example/v1", "openai:@cf/qwen/coder"),
        ("openai:llama@http://127.0.0.1:11434/v1", "openai:llama"),
    ],
)
def test_a_specification_names_a_model(spec: str, name: str) -> None:
    assert language_model(spec, api_key=" key\n").name == name


def test_a_replay_is_named_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "an:swers.jsonl"
    file.write_text('{"agent": "security", "findings": []}')
    assert language_model(f"replay:{file}").name == "replay"


def test_an_endpoint_on_this_machine_needs_no_key() -> None:
    assert language_model("openai:llama@http://localhost:11434/v1").name == "openai:llama"


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "mock:x",
        "Mock",
        "gpt-9",
        "bedrock:",
        "bedrock:a b",
        "anthropic:",
        "anthropic:claude\nx",
        "replay:",
        "openai:",
        "openai:@https://models.example/v1",
        "openai:m@ftp://models.example/v1",
        "openai:m@http://models.example/v1",
        "openai:m@https://",
        "openai:m@models.example/v1",
        "openai:m@https:///v1",
        "openai:m@https://user:password@models.example/v1",
        "openai:m@https://models.example/v1?key=x",
        "openai:m@https://models.example:99999/v1",
        "openai:m@https://models.example\\@127.0.0.1/v1",
        "openai:m@https://mod\tels.example/v1",
        "openai:m@https://modéls.example/v1",
    ],
)
def test_b100_a_specification_that_cannot_be_right_is_refused_at_once(spec: str) -> None:
    with pytest.raises(ConfigurationError):
        language_model(spec, api_key="key")


@pytest.mark.parametrize("key", [None, "", "  ", "a\r\nX-Evil: 1", "ké", "two words"])
@pytest.mark.parametrize("spec", ["anthropic:claude", "openai:gpt", "openai:m@https://models.example/v1"])
def test_b100_a_key_that_cannot_be_right_is_refused_at_once_and_not_shown(spec: str, key: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        language_model(spec, api_key=key)
    assert "Evil" not in str(caught.value)
