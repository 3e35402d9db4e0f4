"""Runs a case through the pipeline, twice, and counts what became of its findings.

The cap on comments is lifted: a finding that a review would only list for having ten better ones is not lost, and
where it stands is to be measured as well.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from codereview.domain.change import Change, FileChange, Row
from codereview.domain.context import estimate_tokens
from codereview.domain.finding import Finding
from codereview.domain.markers import finding_marker_fingerprint
from codereview.domain.payload import move_to_body, unplaceable
from codereview.domain.publication import Publication, ReviewComment
from codereview.domain.rendering import MAX_COMMENTS, publication
from codereview.domain.result import ReviewResult, RunStatus
from codereview.domain.selection import select
from codereview.evaluation.case import Case
from codereview.evaluation.github_rules import hunks_of, refusals
from codereview.evaluation.golden import Target, rows_between, target_of
from codereview.evaluation.oracle import SPEAKERS, mark_of, visible_lines
from codereview.evaluation.score import Score
from codereview.evaluation.shown import read_shown
from codereview.model_ports import LanguageModel, ModelAnswer, ModelRequest
from codereview.use_cases.review_change import ReviewChange

_KEY = b"codereview evaluation"
_REVIEW = UUID("6d1b3ad0-6f0e-4c55-9f3e-3f2a7d6f9f10")

# Makes the model for a case: of its targets, and whether it is the second time that it is asked.
Voice = Callable[[Case, Sequence[Target], bool], LanguageModel]


@dataclass(slots=True)
class Watched:
    """A model whose questions are kept, to count what they take."""

    model: LanguageModel
    requests: list[ModelRequest] = field(default_factory=list)
    answers: list[ModelAnswer] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The model's own."""
        return self.model.name

    @property
    def is_mock(self) -> bool:
        """The model's own."""
        return self.model.is_mock

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        """Pass the question on."""
        self.requests.append(request)
        answer = self.model.answer(request, deadline=deadline)
        self.answers.append(answer)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The engine under test. `knows_findings`: the model is an oracle, whose findings can be told one by one."""

    engine: ReviewChange
    voice: Voice
    knows_findings: bool
    deadline: datetime

    def __call__(self, case: Case) -> Score:
        """Measure one case."""
        change = select(case.change, attributes=case.attributes)
        targets = [target_of(golden, change) for golden in case.golden]
        result, watched = self._review(case, targets, is_again=False)
        posted = _posted(result, change)
        again, _ = self._review(case, targets, is_again=True)
        marks = {finding_marker_fingerprint(comment.body, _KEY) for comment in posted.comments}
        standing = {mark for mark in marks if mark is not None}
        fates = [self._fate(number, target, result, posted, change) for number, target in enumerate(targets)]
        score = replace(
            _sum(case.name, targets, fates),
            comments=len(posted.comments),
            refused=len(refusals(posted.comments, hunks_of(case.diff))),
            duplicates=len(_posted(again, change, standing=standing).comments),
            failed_agents=sum(run.status is RunStatus.FAILED for run in result.runs),
        )
        return _with_tokens(score, case, targets, watched)

    def _review(self, case: Case, targets: Sequence[Target], *, is_again: bool) -> tuple[ReviewResult, Watched]:
        watched = Watched(self.voice(case, targets, is_again))
        result = self.engine(
            case.change,
            model=watched,
            head_files=case.head_files,
            attributes=case.attributes,
            deadline=self.deadline,
        )
        return result, watched

    def _fate(self, number: int, target: Target, result: ReviewResult, posted: Publication, change: Change) -> "_Fate":
        """Follow one finding to where it stands."""
        finding = self._own(number, result) if self.knows_findings else None
        is_merged = finding is None
        finding = finding or _same_place(target, result, change)
        if finding is None:
            return _Fate()
        comment = next(
            (
                comment
                for comment in posted.comments
                if finding_marker_fingerprint(comment.body, _KEY) == finding.fingerprint
            ),
            None,
        )
        if comment is None:
            return _Fate(is_delivered=True, is_merged=is_merged)
        rows = _rows(comment, change)
        return _Fate(
            is_delivered=True,
            is_merged=is_merged,
            is_inline=True,
            is_exact=target.is_in_diff and _numbers(rows) == _numbers(target.rows),
            is_near=bool(_numbers(rows) & _numbers(target.rows)),
        )

    @staticmethod
    def _own(number: int, result: ReviewResult) -> Finding | None:
        mark = mark_of(number)
        return next(
            (
                finding
                for finding in result.shown
                if finding.candidate.confidence == mark and finding.candidate.agent in SPEAKERS
            ),
            None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fate:
    """What became of one golden finding."""

    is_delivered: bool = False
    is_merged: bool = False
    is_inline: bool = False
    is_exact: bool = False
    is_near: bool = False


def _posted(result: ReviewResult, change: Change, *, standing: Collection[str] = ()) -> Publication:
    """Return what would be posted, without a cap on comments: what GitHub takes is checked in batches of its size."""
    wanted = publication(
        result,
        review_id=_REVIEW,
        marker_key=_KEY,
        max_comments=max(1, len(result.findings)),
        standing=standing,
    )
    refused: set[int] = set()
    for begin in range(0, len(wanted.comments), MAX_COMMENTS):
        batch = replace(wanted, comments=wanted.comments[begin : begin + MAX_COMMENTS])
        refused |= {begin + index for index in unplaceable(batch, change)}
    return move_to_body(wanted, refused)


def _same_place(target: Target, result: ReviewResult, change: Change) -> Finding | None:
    """Find what stands where a finding belongs: what it was merged into, or what a model says of its own accord."""
    for finding in result.shown:
        if finding.path != target.path or not {finding.candidate.agent, *finding.also_found_by} & _model_agents(result):
            continue
        anchor = finding.anchor
        if anchor is None:
            if finding.candidate.body.strip() == target.golden.text.strip():
                return finding
            continue
        file = _file(finding.path, change)
        first = anchor.start_line or anchor.line
        rows = rows_between(file, anchor.side, first, anchor.line) if file is not None else ()
        if _numbers(rows) & _numbers(target.rows):
            return finding
    return None


def _model_agents(result: ReviewResult) -> set[str]:
    return {run.agent for run in result.runs if run.prompt_version is not None}


def _sum(name: str, targets: Sequence[Target], fates: Sequence[_Fate]) -> Score:
    pairs = list(zip(targets, fates, strict=True))
    return Score(
        case=name,
        golden=len(targets),
        in_diff=sum(target.is_in_diff for target in targets),
        delivered=sum(fate.is_delivered for fate in fates),
        merged=sum(fate.is_merged for fate in fates),
        inline_exact=sum(fate.is_exact for fate in fates),
        inline_near=sum(fate.is_near and not fate.is_exact for fate in fates),
        wrong=sum(fate.is_inline and not fate.is_near for fate in fates),
        not_inline=sum(target.is_in_diff and fate.is_delivered and not fate.is_inline for target, fate in pairs),
        lost=sum(not fate.is_delivered for fate in fates),
    )


def _with_tokens(score: Score, case: Case, targets: Sequence[Target], watched: Watched) -> Score:
    """Add what the model was shown, and what all questions took: as the provider counted, else by our estimate."""
    changes = list(dict.fromkeys(request.change for request in watched.requests))
    shown = read_shown(changes)
    lines = [line for target in targets for line in visible_lines(target, shown)]
    usage = [answer.usage for answer in watched.answers]
    shared = [estimate_tokens(request.rules + request.change) for request in watched.requests]
    first = {change: estimate_tokens(watched.requests[0].rules + change) for change in changes}
    asked = sum(shared) + sum(estimate_tokens(request.task) for request in watched.requests)
    is_counted = any(each.input_tokens for each in usage)
    return replace(
        score,
        commented_lines=len(lines),
        visible_lines=sum(line is not None for line in lines),
        shown_tokens=sum(map(estimate_tokens, changes)),
        raw_tokens=estimate_tokens(case.diff.decode("utf-8", "replace")),
        calls=len(watched.requests),
        input_tokens=sum(each.input_tokens for each in usage) if is_counted else asked,
        cached_tokens=sum(each.cached_tokens for each in usage) if is_counted else sum(shared) - sum(first.values()),
        output_tokens=sum(each.output_tokens for each in usage)
        if is_counted
        else sum(estimate_tokens(answer.text) for answer in watched.answers),
    )


def _rows(comment: ReviewComment, change: Change) -> tuple[Row, ...]:
    file = _file(comment.path, change)
    first = comment.line if comment.start_line is None else comment.start_line
    return () if file is None else rows_between(file, comment.side, first, comment.line)


def _file(path: str, change: Change) -> FileChange | None:
    named = [file for file in change.files if file.path == path]
    return max(named, key=lambda file: len(file.hunks), default=None)


def _numbers(rows: Sequence[Row]) -> set[tuple[int | None, int | None]]:
    """Name rows by both numbers, so that an unchanged row is the same from either side."""
    return {(row.old_line, row.new_line) for row in rows}
