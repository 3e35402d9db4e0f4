"""Turns a result into what is posted: one review, its comments, its check run. Pure; the sentences are in `messages`.

Whatever a model, an analyzer or a file's name says goes through one door, `_harmless`: secrets masked, then sanitised.
Code is masked, and fenced so that it cannot get out; what the secrets agent found is not quoted at all.
"""

import html
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from codereview import messages
from codereview.domain.crowding import share_comments
from codereview.domain.cutting import MAX_BODY, MAX_CHECK_SUMMARY, Section, assemble, cut, utf8_bytes
from codereview.domain.finding import Finding, Placement, Severity, Side
from codereview.domain.hidden_detection import find_hidden_text
from codereview.domain.hidden_text import storable, strip_hidden
from codereview.domain.markdown_code import code_span, fenced
from codereview.domain.markers import finding_marker, review_marker
from codereview.domain.masking import mask_secrets
from codereview.domain.publication import CheckOutput, Conclusion, Publication, ReviewComment
from codereview.domain.result import AgentRun, ReviewResult, RunStatus
from codereview.domain.sanitising import sanitise
from codereview.domain.secret_findings import without_secrets

MAX_COMMENTS = 25  # more than about 30 in one review end in a 502: https://github.com/src-d/lookout/issues/264
_MAX_TITLE = 200
_MAX_TEXT = 12_000  # of one finding's body: four screens
_MAX_COMMENT_TEXT = 60_000
_MAX_QUOTE = 2_000
_MAX_SUGGESTION = 20_000
_MAX_REASON = 300
_MOST_UNPLACED = MAX_BODY // 2  # what has no line is shown at length, and leaves the lists their room
_MAX_PATHS = 20  # named for one reason of being left out
_MAX_AGENTS = 30
_MAX_ROUNDS = 5
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_LABEL = re.compile(r"\[masked [a-z0-9-]+\\?\]")
# These files are left out on purpose; with any other reason something was not looked at that should have been.
_BY_POLICY = frozenset(
    {"binary", "submodule", "symbolic link", "no changed lines", "deleted", "generated", "lock file", "vendored"}
)


def publication(
    result: ReviewResult,
    *,
    review_id: UUID,
    marker_key: bytes,
    max_comments: int = MAX_COMMENTS,
    standing: Collection[str] = (),
) -> Publication:
    """Return what to post for the result; the most important findings become comments on their lines.

    `standing` are the fingerprints of findings that a comment of an earlier review is about: these are only listed.
    """
    result = without_secrets(replace(result, runs=tuple(run for run in result.runs if not run.is_shadow)))
    inline = [finding for finding in result.shown if _has_line(finding) and finding.fingerprint not in standing]
    persisting = [finding for finding in result.shown if _has_line(finding) and finding.fingerprint in standing]
    commented, listed = share_comments(
        inline, lambda finding: _is_analyzer(finding.candidate.agent, result.runs), most=max_comments
    )
    unplaced = [finding for finding in result.shown if not _has_line(finding)]
    body = assemble(
        _top(result),
        [
            Section(
                title=messages.NOT_IN_THE_DIFF,
                items=tuple(_block(finding, result) for finding in unplaced),
                noun="finding",
                separator="\n\n",
                most=_MOST_UNPLACED,
            ),
            Section(
                title=f"{messages.MORE_FINDINGS} ({len(listed)})",
                items=tuple(_entry(finding, result) for finding in listed),
                noun="finding",
            ),
            Section(
                title=f"{messages.STANDING_FINDINGS} ({len(persisting)})",
                items=tuple(_entry(finding, result) for finding in persisting),
                noun="finding",
            ),
            _left_out(result),
        ],
        f"{_bottom(result)}\n\n{review_marker(review_id, marker_key)}",
        limit=MAX_BODY,
    )
    return Publication(
        commit_id=result.head_sha,
        body=body,
        comments=tuple(_comment(finding, result, review_id, marker_key) for finding in commented),
        check=_check(result),
    )


def conclusion(result: ReviewResult) -> Conclusion:
    """Return success only for a review that looked at everything and found nothing; it never blocks a merge."""
    has_failed = any(run.status is RunStatus.FAILED for run in result.runs)
    has_gap = any(left.reason not in _BY_POLICY for left in result.coverage.unreviewed)
    is_clean = bool(result.coverage.reviewed) and not (result.shown or has_failed or has_gap)
    return Conclusion.SUCCESS if is_clean else Conclusion.NEUTRAL


def verdict(result: ReviewResult) -> str:
    """Return the review in one line."""
    counts = Counter(finding.candidate.severity for finding in result.shown)
    taking_part = [run for run in result.runs if run.status is not RunStatus.SKIPPED]
    return messages.verdict(
        [(severity.value, counts[severity]) for severity in Severity if counts[severity]],
        reviewed=len(result.coverage.reviewed),
        files=result.coverage.file_count,
        failed=sum(run.status is RunStatus.FAILED for run in taking_part),
        agents=len(taking_part),
    )


def is_mock(finding: Finding, result: ReviewResult) -> bool:
    """Tell a mock model's finding; in the same review, an analyzer's are real."""
    return result.is_mock and not _is_analyzer(finding.candidate.agent, result.runs)


def _has_line(finding: Finding) -> bool:
    """Tell what can be a comment; a path that is no UTF-8 cannot be told to GitHub."""
    return (
        finding.placement is Placement.INLINE and finding.anchor is not None and storable(finding.path) == finding.path
    )


def _check(result: ReviewResult) -> CheckOutput:
    summary = assemble(
        _top(result),
        [
            Section(
                title=messages.ALL_FINDINGS,
                items=tuple(_entry(finding, result) for finding in result.shown),
                noun="finding",
            ),
            _left_out(result),
        ],
        _bottom(result),
        limit=MAX_CHECK_SUMMARY,
        measure=utf8_bytes,
    )
    return CheckOutput(conclusion=conclusion(result), title=messages.check_title(verdict(result)), summary=summary)


def _top(result: ReviewResult) -> str:
    parts = [messages.heading(verdict(result)), messages.reviewed_commit(result.head_sha)]
    if result.is_mock:
        parts.append(messages.MOCK_REVIEW)
    failed: dict[str, list[str]] = {}
    for run in result.runs[:_MAX_AGENTS]:
        if run.status is RunStatus.FAILED:
            failed.setdefault(_harmless_line(run.reason or "", _MAX_REASON), []).append(_harmless_line(run.agent))
    if failed:
        parts.append("\n".join(messages.agents_failed(agents, reason) for reason, agents in failed.items()))
    if not result.coverage.reviewed and not result.shown:
        parts.append(messages.NOTHING_TO_REVIEW if result.coverage.file_count else messages.NO_FILES)
    return "\n\n".join(parts)


def _bottom(result: ReviewResult) -> str:
    agents = [
        messages.agent_line(
            _harmless_line(run.agent),
            run.findings,
            has_failed=run.status is RunStatus.FAILED,
            has_work=run.status is not RunStatus.SKIPPED,
            malformed=run.malformed,
        )
        if run.judged is None or run.status is RunStatus.FAILED
        else messages.verifier_line(_harmless_line(run.agent), refuted=run.refuted)
        for run in result.runs[:_MAX_AGENTS]
    ]
    usage = result.usage
    tokens = messages.tokens(
        calls=usage.calls, taken_in=usage.input_tokens, cached=usage.cached_tokens, given_out=usage.output_tokens
    )
    return f"<sub>{' · '.join([*agents, tokens])}</sub>"


def _left_out(result: ReviewResult) -> Section:
    by_reason: dict[str, list[str]] = {}
    for left in result.coverage.unreviewed:
        by_reason.setdefault(left.reason, []).append(left.path)
    items = tuple(
        messages.left_out(_harmless_line(reason), [_path(path) for path in paths[:_MAX_PATHS]], len(paths[_MAX_PATHS:]))
        for reason, paths in by_reason.items()
    )
    return Section(title=messages.NOT_REVIEWED, items=items, noun="reason")


def _comment(finding: Finding, result: ReviewResult, review_id: UUID, marker_key: bytes) -> ReviewComment:
    if finding.anchor is None:
        raise ValueError("an inline comment needs a place")
    ending = "\n\n".join(
        [*_suggestion(finding), _small_print(finding), finding_marker(review_id, finding.fingerprint, marker_key)]
    )
    return ReviewComment(
        path=finding.path,
        body=f"{cut(_text(finding, result), _MAX_COMMENT_TEXT - len(ending))}\n\n{ending}",
        line=finding.anchor.line,
        side=finding.anchor.side,
        start_line=finding.anchor.start_line,
    )


def _block(finding: Finding, result: ReviewResult) -> str:
    """Show a finding with its code, where GitHub shows none."""
    parts = [_headline(finding), _path(finding.path), *_quote(finding), *_message(finding, result)]
    return "\n\n".join([*parts, _small_print(finding)])


def _entry(finding: Finding, result: ReviewResult) -> str:
    """Show a finding in one line."""
    mock = f" {messages.MOCK_FINDING}" if is_mock(finding, result) else ""
    line = f":{finding.anchor.line}" if finding.anchor else ""
    return f"- {_headline(finding)} ({_path(finding.path, line)}){mock}"


def _text(finding: Finding, result: ReviewResult) -> str:
    return "\n\n".join([_headline(finding), *_message(finding, result)])


def _message(finding: Finding, result: ReviewResult) -> Iterator[str]:
    if is_mock(finding, result):
        yield messages.MOCK_FINDING
    text = _harmless(finding.candidate.body).strip()
    if text:
        yield cut(text, _MAX_TEXT)


def _headline(finding: Finding) -> str:
    return f"**{finding.candidate.severity.value}** {_harmless_line('· ' + finding.candidate.title, _MAX_TITLE)}"


def _small_print(finding: Finding) -> str:
    candidate = finding.candidate
    agents = [_harmless_line(agent) for agent in (candidate.agent, *finding.also_found_by)]
    return messages.found_by(agents, _path(candidate.rule[:_MAX_TITLE]) if candidate.rule else "")


def _quote(finding: Finding) -> Iterator[str]:
    code = finding.text or finding.candidate.quote
    if code.strip():
        yield fenced(strip_hidden(mask_secrets(code))[:_MAX_QUOTE])


def _suggestion(finding: Finding) -> Iterator[str]:
    """Offer the replacement; never one that a click would put into the code otherwise than it was checked."""
    code = finding.candidate.suggestion
    if code is None or not finding.is_suggestion_applicable or finding.anchor is None:
        return
    is_plain = strip_hidden(code) == code and not any(find_hidden_text(code))
    is_exact = len(code) <= _MAX_SUGGESTION and is_plain and mask_secrets(code) == code
    block = fenced(code, "suggestion")
    if is_exact and code in block and finding.anchor.side is Side.RIGHT:
        yield block


def _is_analyzer(agent: str, runs: Sequence[AgentRun]) -> bool:
    return any(run.agent == agent and run.prompt_version is None and not run.usage.calls for run in runs)


def _path(path: str, line: str = "") -> str:
    return code_span(mask_secrets(path) + line)


def _harmless(text: str) -> str:
    """Mask, then sanitise; each may lay open something for the other, so both look until neither finds anything."""
    for _ in range(_MAX_ROUNDS):
        harmless = sanitise(mask_secrets(_without_hiding_places(text)))
        if harmless == text:
            break
        text = harmless
    return text


def _without_hiding_places(text: str) -> str:
    """Resolve escapes and entities where they break up a secret for the masking eye, but not for the reader's."""
    plain = html.unescape(_ESCAPE.sub(r"\1", text))
    return plain if _label_count(mask_secrets(plain)) > _label_count(mask_secrets(text)) else text


def _label_count(text: str) -> int:
    return len(_LABEL.findall(text))


def _harmless_line(text: str, limit: int = _MAX_TITLE) -> str:
    """Make one line of the text; it is cut first, since a later cut could take the end of code away."""
    line = " ".join(mask_secrets(text).split())
    return " ".join(_harmless(line if len(line) <= limit else line[: limit - 1].rstrip() + "…").split())
