"""What people read of a review, word for word, and what GitHub's limits make of it."""
# ruff: noqa: E501 - a snapshot's lines are as long as what is posted

import re
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from codereview.domain.finding import Anchor, Candidate, Finding, Placement, Severity, Side
from codereview.domain.markers import finding_marker_fingerprint, review_marker_id
from codereview.domain.publication import Conclusion, Publication
from codereview.domain.rendering import publication
from codereview.domain.result import AgentRun, Coverage, ReviewResult, RunStatus, Unreviewed, Usage
from tests.unit.github_page import rendered

_ID = UUID("6f1d9c52-9f39-5d4a-8d55-0f0c5f1f8a11")
_KEY = b"key"
_HEAD = "5c2d3a9e0f1b4c6d8e7f0a1b2c3d4e5f60718293"
_RUNS = (
    AgentRun(
        agent="correctness",
        status=RunStatus.COMPLETE,
        engine="a-model",
        prompt_version="3",
        usage=Usage(input_tokens=5312, output_tokens=410, cached_tokens=0, calls=1),
        findings=2,
    ),
    AgentRun(
        agent="security",
        status=RunStatus.COMPLETE,
        engine="a-model",
        prompt_version="1",
        usage=Usage(input_tokens=5290, output_tokens=120, cached_tokens=4900, calls=1),
        findings=1,
    ),
    AgentRun(agent="ruff", status=RunStatus.COMPLETE, engine="ruff 0.14.5", findings=1),
    AgentRun(agent="secrets", status=RunStatus.SKIPPED, engine="secrets 1"),
)


def _candidate(**values: object) -> Candidate:
    candidate = Candidate(
        agent="correctness",
        rule="off-by-one",
        severity=Severity.HIGH,
        path="shop/cart.py",
        quote="for i in range(len(items) + 1):",
        title="The loop reads one item past the end",
        body="`items[i]` raises `IndexError` for the last `i`.",
    )
    return replace(candidate, **values)  # type: ignore[arg-type]


def _finding(placement: Placement = Placement.INLINE, /, **values: object) -> Finding:
    known = {
        name: values.pop(name)
        for name in ("anchor", "text", "is_suggestion_applicable", "also_found_by")
        if name in values
    }
    candidate = _candidate(**values)
    finding = Finding(
        candidate=candidate,
        path=candidate.path,
        placement=placement,
        anchor=Anchor(side=Side.RIGHT, line=12) if placement is Placement.INLINE else None,
        text=candidate.quote,
        fingerprint="ab12cd34",
    )
    return replace(finding, **known)  # type: ignore[arg-type]


def _result(
    findings: Sequence[Finding] = (),
    runs: tuple[AgentRun, ...] = _RUNS,
    reviewed: tuple[str, ...] = ("shop/cart.py", "shop/price.py"),
    unreviewed: tuple[Unreviewed, ...] = (),
    *,
    is_mock: bool = False,
) -> ReviewResult:
    return ReviewResult(
        base_sha="0" * 40,
        head_sha=_HEAD,
        findings=tuple(findings),
        runs=runs,
        coverage=Coverage(reviewed=reviewed, unreviewed=unreviewed, file_count=len(reviewed) + len(unreviewed)),
        is_mock=is_mock,
    )


def _published(result: ReviewResult) -> Publication:
    return publication(result, review_id=_ID, marker_key=_KEY)


def _failed(agent: str, reason: str) -> AgentRun:
    return AgentRun(agent=agent, status=RunStatus.FAILED, engine="a-model", prompt_version="1", reason=reason)


def test_a_review_with_findings_reads_like_this() -> None:
    published = _published(
        _result(
            [
                _finding(
                    anchor=Anchor(side=Side.RIGHT, line=12, start_line=11),
                    suggestion="for i in range(len(items)):",
                    is_suggestion_applicable=True,
                    also_found_by=("security",),
                ),
                _finding(
                    Placement.FILE,
                    agent="security",
                    rule="injection",
                    severity=Severity.CRITICAL,
                    path="shop/price.py",
                    quote='query = f"select {name}"',
                    title="SQL is put together from a request's text",
                    body="Anybody can end the string.\n\nPass it as a parameter:\n\n```py\nexecute(query, [name])\n```",
                ),
                _finding(agent="ruff", rule="F401", severity=Severity.LOW, title="`os` imported but unused", body=""),
            ],
            unreviewed=(Unreviewed(path="uv.lock", reason="lock file"), Unreviewed(path="logo.png", reason="binary")),
        )
    )
    assert published.commit_id == _HEAD
    assert published.event == "COMMENT"
    assert published.body == snapshot("""\
### AI Code Review: 1 critical, 1 high, 1 low · 2 of 4 files

Reviewed commit: 5c2d3a9e0f1b4c6d8e7f0a1b2c3d4e5f60718293

#### Findings outside of the diff

**critical** · SQL is put together from a request's text

`shop/price.py`

```
query = f"select {name}"
```

Anybody can end the string.

Pass it as a parameter:

```py
execute(query, [name])
```

<sub>security · `injection`</sub>

#### Not reviewed

- lock file: `uv.lock`
- binary: `logo.png`

<sub>correctness: 2 findings · security: 1 finding · ruff: 1 finding · secrets: no file for it · 2 model calls, 10,602 tokens in (4,900 from the cache), 530 out</sub>

<!-- codereview:review id=6f1d9c52-9f39-5d4a-8d55-0f0c5f1f8a11 mac=42d3852652b7686153b0a49d1df43274bdff1d31826e0d790118e9d048e2b9a9 -->\
""")
    assert [comment.body for comment in published.comments] == snapshot(
        [
            """\
**high** · The loop reads one item past the end

`items[i]` raises `IndexError` for the last `i`.

```suggestion
for i in range(len(items)):
```

<sub>correctness and security · `off-by-one`</sub>

<!-- codereview:finding id=6f1d9c52-9f39-5d4a-8d55-0f0c5f1f8a11 fp=ab12cd34 mac=2489b027f45cf00d3db6faf64e428eb0b6609761b461259ad687af03ef36841f -->\
""",
            """\
**low** · `os` imported but unused

<sub>ruff · `F401`</sub>

<!-- codereview:finding id=6f1d9c52-9f39-5d4a-8d55-0f0c5f1f8a11 fp=ab12cd34 mac=2489b027f45cf00d3db6faf64e428eb0b6609761b461259ad687af03ef36841f -->\
""",
        ]
    )
    assert (published.check.conclusion, published.check.title) == snapshot(
        (Conclusion.NEUTRAL, "1 critical, 1 high, 1 low · 2 of 4 files")
    )
    assert published.check.summary == snapshot("""\
### AI Code Review: 1 critical, 1 high, 1 low · 2 of 4 files

Reviewed commit: 5c2d3a9e0f1b4c6d8e7f0a1b2c3d4e5f60718293

#### Findings

- **high** · The loop reads one item past the end (`shop/cart.py:12`)
- **critical** · SQL is put together from a request's text (`shop/price.py`)
- **low** · `os` imported but unused (`shop/cart.py:12`)

#### Not reviewed

- lock file: `uv.lock`
- binary: `logo.png`

<sub>correctness: 2 findings · security: 1 finding · ruff: 1 finding · secrets: no file for it · 2 model calls, 10,602 tokens in (4,900 from the cache), 530 out</sub>\
""")


def test_a_clean_review_reads_like_this() -> None:
    published = _published(_result(runs=tuple(replace(run, findings=0) for run in _RUNS)))
    assert published.comments == ()
    assert published.body == snapshot("""\
### AI Code Review: no findings · 2 of 2 files

Reviewed commit: 5c2d3a9e0f1b4c6d8e7f0a1b2c3d4e5f60718293

<sub>correctness: 0 findings · security: 0 findings · ruff: 0 findings · secrets: no file for it · 2 model calls, 10,602 tokens in (4,900 from the cache), 530 out</sub>

<!-- codereview:review id=6f1d9c52-9f39-5d4a-8d55-0f0c5f1f8a11 mac=42d3852652b7686153b0a49d1df43274bdff1d31826e0d790118e9d048e2b9a9 -->\
""")
    assert (published.check.conclusion, published.check.title) == snapshot(
        (Conclusion.SUCCESS, "No findings · 2 of 2 files")
    )


def test_a_review_by_the_mock_model_says_so_wherever_it_says_anything_made_up() -> None:
    published = _published(
        _result([_finding(), _finding(Placement.BODY), _finding(agent="ruff", rule="F401")], is_mock=True)
    )
    assert published.body == snapshot("""\
### AI Code Review: 3 high · 2 of 2 files

Reviewed commit: 5c2d3a9e0f1b4c6d8e7f0a1b2c3d4e5f60718293

> **Made by the mock model.** What the agents with a language model say below is made up, to show how a review looks. It is not a real finding.

#### Findings outside of the diff

**high** · The loop reads one item past the end

`shop/cart.py`

```
for i in range(len(items) + 1):
```

_Made by the mock model, not a real finding._

`items[i]` raises `IndexError` for the last `i`.

<sub>correctness · `off-by-one`</sub>

<sub>correctness: 2 findings · security: 1 finding · ruff: 1 finding · secrets: no file for it · 2 model calls, 10,602 tokens in (4,900 from the cache), 530 out</sub>

<!-- codereview:review id=6f1d9c52-9f39-5d4a-8d55-0f0c5f1f8a11 mac=42d3852652b7686153b0a49d1df43274bdff1d31826e0d790118e9d048e2b9a9 -->\
""")
    made_up, real = published.comments
    assert "Made by the mock model, not a real finding." in made_up.body
    assert "mock" not in real.body
    assert published.check.summary.count("mock model") == 3


def test_a_review_in_which_an_agent_failed_never_reads_as_clean() -> None:
    published = _published(
        _result(runs=(replace(_RUNS[0], findings=0), _failed("security", "the answer of @model was cut off")))
    )
    assert published.body == snapshot("""\
### AI Code Review: incomplete, 1 of 2 agents failed · nothing found by the others · 2 of 2 files

Reviewed commit: 5c2d3a9e0f1b4c6d8e7f0a1b2c3d4e5f60718293

- **security failed** (the answer of `@model` was cut off): what it would have found is not known.

<sub>correctness: 0 findings · security: failed · 1 model call, 5,312 tokens in, 410 out</sub>

<!-- codereview:review id=6f1d9c52-9f39-5d4a-8d55-0f0c5f1f8a11 mac=42d3852652b7686153b0a49d1df43274bdff1d31826e0d790118e9d048e2b9a9 -->\
""")
    assert (published.check.conclusion, published.check.title) == snapshot(
        (Conclusion.NEUTRAL, "Incomplete, 1 of 2 agents failed · nothing found by the others · 2 of 2 files")
    )


def test_a_review_in_which_every_agent_failed_says_that_it_could_not_review() -> None:
    published = _published(_result(runs=(_failed("correctness", "refused"), _failed("security", "refused"))))
    assert (published.check.conclusion, published.check.title) == snapshot(
        (Conclusion.NEUTRAL, "Could not review, every agent failed · 2 of 2 files")
    )
    assert "no findings" not in published.body


def test_b34_a_change_without_a_reviewable_file_says_so() -> None:
    skipped = tuple(replace(run, status=RunStatus.SKIPPED, usage=Usage(), findings=0) for run in _RUNS)
    left_out = (Unreviewed(path="a.png", reason="binary"), Unreviewed(path="b.py", reason="deleted"))
    published = _published(_result(runs=skipped, reviewed=(), unreviewed=left_out))
    assert published.body == snapshot("""\
### AI Code Review: nothing to review · 0 of 2 files

Reviewed commit: 5c2d3a9e0f1b4c6d8e7f0a1b2c3d4e5f60718293

None of the changed files has lines that this review looks at.

#### Not reviewed

- binary: `a.png`
- deleted: `b.py`

<sub>correctness: no file for it · security: no file for it · ruff: no file for it · secrets: no file for it · no calls of a language model</sub>

<!-- codereview:review id=6f1d9c52-9f39-5d4a-8d55-0f0c5f1f8a11 mac=42d3852652b7686153b0a49d1df43274bdff1d31826e0d790118e9d048e2b9a9 -->\
""")
    assert (published.check.conclusion, published.check.title) == snapshot(
        (Conclusion.NEUTRAL, "Nothing to review · 0 of 2 files")
    )


def test_an_empty_change_says_so() -> None:
    published = _published(_result(runs=(), reviewed=()))
    assert published.check.title == snapshot("Nothing to review · 0 of 0 files")
    assert "The pull request changes no files." in published.body


@pytest.mark.parametrize(
    ("reason", "conclusion"),
    [
        ("lock file", Conclusion.SUCCESS),
        ("GitHub sent no patch", Conclusion.NEUTRAL),
        ("too large", Conclusion.NEUTRAL),
    ],
)
def test_a_file_that_should_have_been_read_keeps_the_check_from_success(reason: str, conclusion: Conclusion) -> None:
    result = _result(unreviewed=(Unreviewed(path="x", reason=reason),))
    assert _published(result).check.conclusion is conclusion


def test_b35_thousands_of_files_left_out_are_named_in_part_and_counted() -> None:
    left_out = tuple(Unreviewed(path=f"vendor/{number}.go", reason="vendored") for number in range(3001))
    body = _published(_result(unreviewed=left_out)).body
    assert "2 of 3,003 files" in body
    assert "`vendor/19.go` and 2,981 more" in body


def test_dropped_findings_are_neither_shown_nor_counted() -> None:
    published = _published(_result([_finding(Placement.DROPPED)]))
    assert published.check.title == "No findings · 2 of 2 files"
    assert "past the end" not in published.body + published.check.summary


def test_b53_what_a_model_says_is_harmless_everywhere() -> None:
    hostile = "@everyone ![x](https://evil.example/?d=1) <img src=x> fixes #1\n\n/approve\n\n```suggestion\nx\n"
    finding = {
        "title": hostile,
        "body": hostile,
        "rule": hostile,
        "path": "a`@b`\n/approve.py",
        "quote": "```\n@x\n````",
    }
    published = _published(
        _result([_finding(**finding), _finding(Placement.BODY, **finding)], runs=(_failed("x", hostile),))
    )
    for text in (published.body, published.check.summary, published.comments[0].body):
        page = rendered(text)
        outside = "".join(page.text)
        assert not re.search(r"@|https?:|#1", outside), outside
        assert {tag for tag, _ in page.tags} <= {"p", "h3", "h4", "ul", "li", "strong", "code", "pre", "sub"}
        assert not any("suggestion" in (attributes.get("class") or "") for _, attributes in page.tags)
        assert len(page.comments) == text.count("<!-- codereview:")
        assert not re.search(r"^\s*/approve", text, re.MULTILINE)


def test_b54_a_secret_is_masked_in_every_part() -> None:
    secret = "ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz"
    finding = {
        "title": f"x {secret}",
        "body": f"`{secret}` gh\u200bp_{secret[4:]} ghp\\_{secret[4:]} gh&#112;_{secret[4:]}",
        "quote": f"t = '{secret}'",
        "suggestion": secret,
        "path": f"{secret}.py",
    }
    findings = [_finding(**finding, is_suggestion_applicable=True), _finding(Placement.BODY, **finding)]
    published = _published(_result(findings, runs=(_failed("x", secret),)))
    for text in (published.body, published.check.summary, published.comments[0].body):
        assert secret not in text.replace("\\", "")
        assert "masked github-token" in text
    assert "```suggestion" not in published.comments[0].body


@pytest.mark.parametrize(
    "values",
    [
        {"is_suggestion_applicable": False, "suggestion": "x"},
        {"is_suggestion_applicable": True, "suggestion": None},
        {"is_suggestion_applicable": True, "suggestion": "x\u202e"},
        {"is_suggestion_applicable": True, "suggestion": "x", "anchor": Anchor(side=Side.LEFT, line=3)},
    ],
)
def test_b53_a_suggestion_is_offered_only_where_it_applies_exactly(values: dict[str, object]) -> None:
    assert "suggestion" not in _published(_result([_finding(**values)])).comments[0].body


def test_a_suggestion_to_delete_lines_is_an_empty_block() -> None:
    finding = _finding(suggestion="", is_suggestion_applicable=True)
    assert "```suggestion\n```" in _published(_result([finding])).comments[0].body


def test_a_suggestion_with_a_fence_in_it_stays_one() -> None:
    finding = _finding(suggestion="```\n@x\n```", is_suggestion_applicable=True)
    assert "````suggestion\n```\n@x\n```\n````" in _published(_result([finding])).comments[0].body


def test_b55_a_text_of_70_000_characters_is_cut_with_a_note_and_closed_fences() -> None:
    body = "```py\n" + "x = '\U0001f600'\n" * 10_000 + "```"
    published = _published(_result([_finding(body=body), _finding(Placement.BODY, body=body)]))
    for text in (published.body, published.comments[0].body):
        assert len(text.encode("utf-16-le")) // 2 <= 65_536
        assert "_Cut here: GitHub allows no more._" in text
        assert len(re.findall(r"(?m)^```", text)) % 2 == 0
    assert review_marker_id(published.body, _KEY) == _ID


def test_b55_emoji_count_as_github_counts_them() -> None:
    findings = [_finding(Placement.BODY, title="\U0001f600" * 190, body="\U0001f600" * 20_000) for _ in range(32)]
    published = _published(_result(findings))
    assert len(published.body.encode("utf-16-le")) // 2 <= 65_536
    assert len(published.check.summary.encode()) <= 65_535
    assert re.search(r"_\d+ more findings not shown: GitHub allows no more text here\._", published.body)


def test_b57_of_500_findings_25_become_comments_and_the_others_are_listed_and_counted() -> None:
    findings = [_finding(title=f"Number {number}", severity=Severity.MEDIUM) for number in range(500)]
    published = _published(_result(findings))
    assert [comment.body.split("\n")[0] for comment in published.comments] == [
        f"**medium** · Number {number}" for number in range(25)
    ]
    assert "#### More findings (475)" in published.body
    assert "- **medium** · Number 25 (`shop/cart.py:12`)" in published.body
    assert "Number 499" in published.body
    assert published.check.title == "500 medium · 2 of 2 files"


def test_each_comment_names_its_finding_to_us() -> None:
    comment = _published(_result([_finding()])).comments[0]
    assert finding_marker_fingerprint(comment.body, _KEY) == "ab12cd34"


def test_a_path_that_github_cannot_be_told_goes_to_the_body() -> None:
    published = _published(_result([_finding(path="caf\udce9.py")]))
    assert published.comments == ()
    assert r"`caf\xe9.py`" in published.body


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda placement, title, body, quote: _finding(placement, title=title, body=body, quote=quote),
            st.sampled_from(list(Placement)),
            st.text(max_size=300),
            st.text(max_size=50) | st.text(alphabet="`~\n @#<ax\U0001f600", max_size=9000),
            st.text(alphabet="`~\n ax", max_size=3000),
        ),
        max_size=40,
    )
)
def test_whatever_was_found_the_review_keeps_github_s_limits(findings: list[Finding]) -> None:
    published = _published(_result(findings))
    assert len(published.comments) <= 25
    assert len(published.body.encode("utf-16-le")) // 2 <= 65_536
    assert len(published.check.summary.encode()) <= 65_535
    assert review_marker_id(published.body, _KEY) == _ID
    for comment in published.comments:
        assert len(comment.body.encode("utf-16-le")) // 2 <= 65_536
        assert finding_marker_fingerprint(comment.body, _KEY)
