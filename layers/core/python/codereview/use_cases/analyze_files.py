"""Analyses whole files, without a change: what `codereview analyze` does."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from codereview.domain.finding import Anchor, Candidate, Finding, Placement, Side
from codereview.domain.fingerprints import fingerprint, normalised
from codereview.domain.result import AgentRun, Coverage, ReviewResult, RunStatus
from codereview.model_ports import AnalyzerReport, Analyzers, SourceFile

# Files are read and checked in portions, so that a large repository fits into memory.
_PORTION_BYTES = 16 << 20
_PORTION_FILES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeFiles:
    """Runs the engines over any number of files."""

    analyzers: Analyzers

    def __call__(self, files: Iterable[SourceFile], engines: Sequence[str]) -> ReviewResult:
        """Return the findings by path and line, each inline at its line of the file, which is all there is to show.

        The result has no shas, since there is no change. An engine that failed says so in its run.
        """
        paths: list[str] = []
        reports: list[AnalyzerReport] = []
        for portion in _portions(files):
            paths.extend(file.path for file in portion)
            reports.append(self.analyzers.analyze(portion, engines))
        candidates = [candidate for report in reports for candidate in report.candidates]
        candidates.sort(key=lambda candidate: (candidate.path, candidate.line or 0, candidate.agent))
        findings = _findings(candidates)
        return ReviewResult(
            base_sha="",
            head_sha="",
            findings=findings,
            runs=tuple(_run(engine, reports, findings) for engine in engines),
            coverage=Coverage(reviewed=tuple(paths), unreviewed=(), file_count=len(paths)),
        )


def _portions(files: Iterable[SourceFile]) -> Iterator[list[SourceFile]]:
    portion: list[SourceFile] = []
    size = 0
    for file in files:
        portion.append(file)
        size += len(file.content)
        if size >= _PORTION_BYTES or len(portion) >= _PORTION_FILES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _findings(candidates: Sequence[Candidate]) -> tuple[Finding, ...]:
    """Place the candidates where they say: an analyzer's line is exact. Equal lines of a file are told apart."""
    seen: Counter[tuple[str, str, str]] = Counter()
    findings = []
    for candidate in candidates:
        identity = (candidate.path, normalised(candidate.quote), candidate.rule)
        mark = fingerprint(path=candidate.path, text=candidate.quote, rule=candidate.rule, occurrence=seen[identity])
        seen[identity] += 1
        findings.append(
            Finding(
                candidate=candidate,
                path=candidate.path,
                placement=Placement.INLINE,
                anchor=Anchor(side=Side.RIGHT, line=candidate.line or 1),
                text=candidate.quote,
                fingerprint=mark,
            )
        )
    return tuple(findings)


def _run(engine: str, reports: Sequence[AnalyzerReport], findings: Sequence[Finding]) -> AgentRun:
    versions: Mapping[str, str] = {name: version for report in reports for name, version in report.versions.items()}
    reasons = dict.fromkeys(report.failed[engine] for report in reports if engine in report.failed)
    return AgentRun(
        agent=engine,
        status=RunStatus.FAILED if reasons else RunStatus.COMPLETE,
        engine=f"{engine} {versions[engine]}" if engine in versions else engine,
        reason="; ".join(reasons) or None,
        findings=sum(finding.candidate.agent == engine for finding in findings),
    )
