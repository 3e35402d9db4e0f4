"""Whatever a model says becomes candidates or one named error."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.answers import (
    MAX_BODY,
    MAX_FINDINGS,
    MAX_QUOTE,
    MAX_TITLE,
    ParsedAnswer,
    UnusableAnswerError,
    parse_answer,
)
from codereview.domain.finding import Severity
from tests.unit.growth import assert_no_worse_than_linear

FINDING: dict[str, Any] = {
    "path": "src/app.py",
    "quote": "if count > limit:\n    return None",
    "line": 12,
    "severity": "high",
    "category": "logic",
    "confidence": 0.8,
    "title": "The limit is off by one",
    "body": "At count == limit the call goes through.",
    "suggestion": "if count >= limit:\n    return None",
}
GOOD = json.dumps({"findings": [FINDING]})
PRETTY = json.dumps({"findings": [FINDING]}, indent=2)
TWO = json.dumps({"findings": [FINDING, {**FINDING, "path": "b.py"}]})


def finding(**changes: Any) -> str:
    return json.dumps({"findings": [{**FINDING, **changes}]})


def only(text: str) -> Any:
    (candidate,) = parse_answer(text, "correctness").candidates
    return candidate


def test_a_well_formed_answer_arrives_whole() -> None:
    candidate = only(GOOD)
    assert candidate.agent == "correctness"
    assert (candidate.path, candidate.line, candidate.severity) == ("src/app.py", 12, Severity.HIGH)
    assert (candidate.quote, candidate.title, candidate.body) == (FINDING["quote"], FINDING["title"], FINDING["body"])
    assert (candidate.rule, candidate.confidence) == ("logic", 0.8)
    assert candidate.suggestion == FINDING["suggestion"]


RECOVERABLE = {
    "plain": GOOD,
    "fenced": f"```json\n{PRETTY}\n```",
    "fenced without a language": f"```\n{GOOD}\n```",
    "prose before and after": f"Here is my review (see [1]):\n\n{GOOD}\n\nLet me know if {{anything}} is unclear!",
    "prose around a fence": f'The 5" rule applies.\n\n```json\n{PRETTY}\n```\n\nThat is all.',
    "thinking before it": f'<think>Maybe {{"findings": [{{"path": "x"}}]}}?</think>\n{GOOD}',
    "byte order mark": "\ufeff" + GOOD,
    "trailing commas": GOOD.replace("}]}", ",},],}"),
    "single quotes": str({"findings": [{**FINDING, "suggestion": "", "confidence": 1}]}),
    "unquoted keys": GOOD.replace('"path"', "path").replace('"title"', "title").replace('"findings"', "findings"),
    "python literals": GOOD.replace("0.8", "None"),
    "comments": PRETTY.replace('"path"', '// the file\n "path"').replace('"line"', '/* 1-based */ "line"'),
    "closing brackets missing": GOOD.removesuffix("]}"),
    "closing bracket of the finding missing": GOOD.removesuffix("}]}"),
    "raw line breaks in strings": GOOD.replace("\\n", "\n"),
    "raw tabs in strings": GOOD.replace("\\n    ", "\\n\t"),
    "quotes not escaped": GOOD.replace("The limit", 'The "limit"'),
    "invalid escapes": GOOD.replace("At count", r"At \d count"),
    "missing comma": GOOD.replace('12, "severity"', '12 "severity"'),
    "nan": GOOD.replace("0.8", "NaN"),
    "infinity": GOOD.replace("0.8", "-Infinity"),
    "number beyond a float": GOOD.replace("0.8", "1e999"),
    "number of 5,000 digits": GOOD.replace("12,", "9" * 5_000 + ","),
    "deep nesting in a field": GOOD.replace("0.8", "[" * 100_000 + "]" * 100_000),
    "deep nesting in a repaired text": GOOD.replace("0.8", '{"a":' * 50_000 + "1" + "}" * 50_000).replace(
        "}]}", ",}]}"
    ),
    "json in a json string": json.dumps(GOOD),
    "a bare list": json.dumps([FINDING]),
    "a bare list in prose": f"My findings: {json.dumps([FINDING])}. Done.",
    "a bare finding": json.dumps(FINDING),
    "a single finding for the list": json.dumps({"findings": FINDING}),
    "wrapped in one more object": json.dumps({"review": {"findings": [FINDING]}}),
    "keys twice": GOOD.replace('"line": 12', '"line": 1, "line": 12'),
    "said twice": f"{GOOD}\n\n{GOOD}",
    "one finding a line": f"{json.dumps(FINDING)}\n{json.dumps(FINDING)}",
    "extra fields": finding(rationale={"steps": [1, 2]}),
    "typographic quotes": GOOD.replace('"path"', "“path”").replace('"line"', "“line”"),
    "carriage returns": PRETTY.replace("\n", "\r\n"),
    "lone surrogate": GOOD.replace("The limit", "The limit\\ud800"),
}


@pytest.mark.parametrize("text", RECOVERABLE.values(), ids=RECOVERABLE.keys())
def test_f57_a_malformed_answer_is_recovered(text: str) -> None:
    candidate = only(text)
    assert (candidate.path, candidate.severity) == ("src/app.py", Severity.HIGH)
    assert "limit" in candidate.title
    assert candidate.body.startswith("At ")
    assert "count > limit" in candidate.quote


UNUSABLE = {
    "empty": "",
    "white space": " \n",
    "prose": "I found no issues in this change.",
    "an empty list in prose": "It returns [] and {}.",
    "null": "null",
    "number": "1",
    "string": '"nothing"',
    "empty object": "{}",
    "other object": '{"error": "overloaded"}',
    "findings that are text": '{"findings": "none"}',
    "findings that are numbers": '{"findings": [1, 2]}',
    "only findings without words": '{"findings": [{"path": "a.py"}]}',
    "cut before the first finding": '{"findings": [',
    "cut in the first finding": '{"findings": [{"path": "a.py", "title": "The lim',
    "binary": "\x00\x01\udfff",
    "brackets": "[" * 200_000,
    "braces": '{"findings":' * 20_000,
    "html": "<html><body>502 Bad Gateway</body></html>",
}


@pytest.mark.parametrize("text", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_f56_what_is_no_answer_never_passes_for_no_findings(text: str) -> None:
    with pytest.raises(UnusableAnswerError):
        parse_answer(text, "security")


@pytest.mark.parametrize(
    "text", ['{"findings": []}', "[]", '{"findings": null}', "{'findings': []}", 'None found: {"findings": []}']
)
def test_no_findings_is_an_answer_when_it_is_said_in_json(text: str) -> None:
    assert parse_answer(text, "security") == ParsedAnswer(candidates=())


def test_f56_half_a_finding_is_not_reported_and_whole_ones_before_it_are() -> None:
    cut = TWO[: TWO.rindex("goes through")]
    assert [candidate.path for candidate in parse_answer(cut, "security").candidates] == ["src/app.py"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (12, 12),
        ("12", 12),
        ("L12", 12),
        ("12-15", 12),
        (12.0, 12),
        (0, None),
        (-1, None),
        (10**9, None),
        (12.5, None),
        (True, None),
        (None, None),
        ([12], None),
        ("twelve", None),
        ("99999999999", None),
    ],
)
def test_f57_an_impossible_line_is_no_line(line: object, expected: int | None) -> None:
    assert only(finding(line=line)).line == expected


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("CRITICAL", Severity.CRITICAL),
        (" High ", Severity.HIGH),
        ("error", Severity.HIGH),
        ("warning", Severity.MEDIUM),
        ("apocalyptic", Severity.MEDIUM),
        (None, Severity.MEDIUM),
        (3, Severity.MEDIUM),
    ],
)
def test_f57_an_unknown_severity_is_the_middle(severity: object, expected: Severity) -> None:
    assert only(finding(severity=severity)).severity is expected


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [(0, 0.0), (1, 1.0), (85, 0.85), (-1, None), (101, None), (True, None), ("high", None), (None, None)],
)
def test_a_confidence_is_a_share_or_unknown(confidence: object, expected: float | None) -> None:
    assert only(finding(confidence=confidence)).confidence == expected


@pytest.mark.parametrize("path", ["../../etc/passwd", "/abs", "a\\b", "not/in/diff.py", "x" * 4_096])
def test_f57_a_path_is_kept_as_data(path: str) -> None:
    assert only(finding(path=path)).path == path


def test_f57_findings_are_judged_one_by_one_and_the_rest_is_counted() -> None:
    bad: list[Any] = [
        {**FINDING, "path": ""},
        {**FINDING, "path": 7},
        {**FINDING, "path": "x" * 4_097},
        {**FINDING, "title": "", "body": None},
        "text",
        None,
        [],
    ]
    answer = parse_answer(json.dumps({"findings": [*bad, FINDING, FINDING]}), "security")
    assert len(answer.candidates) == 1
    assert (answer.malformed, answer.duplicates, answer.over_limit) == (len(bad), 1, 0)


def test_f57_ten_thousand_findings_are_cut_to_the_most_severe() -> None:
    many = [{**FINDING, "title": f"Number {number}", "severity": "low"} for number in range(10_000)]
    many[9_999]["severity"] = "critical"
    answer = parse_answer(json.dumps({"findings": many}), "security")
    assert len(answer.candidates) == MAX_FINDINGS
    assert answer.over_limit == 10_000 - MAX_FINDINGS
    assert [answer.candidates[0].title, answer.candidates[-1].title] == ["Number 0", "Number 9999"]


def test_f57_a_string_of_5_mb_is_cut() -> None:
    huge = "word " * 1_000_000
    short = huge[:500_000]
    candidate = only(finding(title=short, body=huge, quote=short, suggestion=short))
    assert (len(candidate.title), len(candidate.body)) == (MAX_TITLE, MAX_BODY)
    assert len(candidate.quote) <= MAX_QUOTE
    assert candidate.suggestion is None


def test_a_long_quote_is_cut_between_lines() -> None:
    assert only(finding(quote="x = 1\n" * 2_000)).quote.endswith("\nx = 1")


def test_f57_what_no_store_takes_is_replaced() -> None:
    candidate = only(finding(title="a\x00b\ud800c", body="\udfff", quote="\x00", path="p\ud800"))
    assert (candidate.title, candidate.body) == ("a\ufffdb\ufffdc", "\ufffd")
    assert (candidate.quote, candidate.path) == ("\ufffd", "p\ufffd")


def test_a_quote_may_come_as_lines() -> None:
    assert only(finding(quote=["a = 1", "b = 2"])).quote == "a = 1\nb = 2"


@pytest.mark.parametrize(
    ("suggestion", "expected"),
    [
        ("```python\nx = 1\n```", "x = 1"),
        ("```suggestion\n    x = 1\n    y = 2\n```\n", "    x = 1\n    y = 2"),
        ("", None),
        (None, None),
        (["x = 1"], None),
    ],
)
def test_a_suggestion_comes_without_its_fence(suggestion: object, expected: str | None) -> None:
    assert only(finding(suggestion=suggestion)).suggestion == expected


@pytest.mark.parametrize(
    ("category", "rule"),
    [("Error Handling!", "error-handling"), ("", "correctness"), (None, "correctness"), ("§", "correctness")],
)
def test_the_rule_is_the_category_in_a_form_that_ids_can_hang_on(category: object, rule: str) -> None:
    assert only(finding(category=category)).rule == rule


def test_a_missing_title_is_the_first_line_of_the_body() -> None:
    assert only(finding(title=None, body="Line one.\nLine two.")).title == "Line one."


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
findings = st.dictionaries(st.sampled_from([*FINDING, "message", "x"]), json_values, max_size=9)
answers = st.builds(json.dumps, st.fixed_dictionaries({"findings": st.lists(findings, max_size=5)}))
jsonish = st.text(alphabet=st.sampled_from("{}[]\":,'\\`/ \nfindingspathtitle01-eNa\ud800\x00“"), max_size=300)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(answers | st.just(PRETTY))
    start = draw(st.integers(0, len(text)))
    return text[:start] + draw(jsonish) + text[start + draw(st.integers(0, 10)) :]


@given(st.text() | jsonish | answers | damaged())
def test_f57_no_text_raises_anything_but_the_named_error(text: str) -> None:
    try:
        answer = parse_answer(text, "security")
    except UnusableAnswerError:
        return
    assert len(answer.candidates) <= MAX_FINDINGS
    for candidate in answer.candidates:
        candidate.path.encode()
        (candidate.title + candidate.body + candidate.quote + (candidate.suggestion or "")).encode()


HOSTILE = {
    "brackets": "[" * 2_000_000,
    "braces with keys": '{"a":' * 500_000,
    "findings without end": '{"findings":[' * 200_000,
    "quotes": '{"findings":[{"body":"' + 'x" y "' * 300_000,
    "fences": "```\n" * 500_000,
    "fences that never close": "```json\n" * 500_000,
    "thoughts": "<think>" * 200_000,
    "spaces": ("{" + " " * 5_000) * 1_000,
    "escapes": '{"findings": ["' + "\\" * 3_000_001,
    "almost documents": '[{"a": 1}, ' * 300_000,
    "long almost documents": ('{"findings": [{"path": "a", "title": "b"}' + "," * 100) * 20_000,
    "too long": "x" * 8_000_001,
    "repairable to the limit": "{'findings': [" + "{'path': 'a', 'title': \"b\" \"c\"}," * 12_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_f57_a_hostile_text_costs_bounded_time(text: str) -> None:
    def read(part: str) -> None:
        with contextlib.suppress(UnusableAnswerError):
            parse_answer(part, "security")

    assert_no_worse_than_linear(read, text)
