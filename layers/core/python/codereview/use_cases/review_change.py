"""From a change to a ranked result: agents in parallel, their claims checked against the code, merged, judged.

Model calls are bounded: each of at most MAX_PARTS parts is shown to the agents that select something of it, and to the
verifier if they claim anything about it, each at most twice. A usual change is one part: seven calls at most, and twice
as many if every single answer had to be asked for again.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from types import MappingProxyType

from codereview.agents.agent import AnalyzerAgent, ModelAgent, part_of
from codereview.domain.analysis import FUNCTIONS
from codereview.domain.anchors import anchor_all
from codereview.domain.answers import ParsedAnswer
from codereview.domain.change import Change
from codereview.domain.context import plan_parts
from codereview.domain.control.flags import AgentMode
from codereview.domain.enclosing import with_functions
from codereview.domain.finding import Candidate, Finding, Placement
from codereview.domain.merging import merge
from codereview.domain.result import AgentRun, ReviewResult, RunStatus, Usage
from codereview.domain.selection import coverage, select
from codereview.errors import PermanentError
from codereview.model_ports import AnalyzerReport, Analyzers, HeadFiles, LanguageModel, SourceFile
from codereview.ports import Clock
from codereview.use_cases.ask_agents import Agents, Asked
from codereview.use_cases.ask_model import Answered
from codereview.use_cases.verify_findings import Verifier

# Leaves room for rules, task and answer in the smallest window (128,000 tokens) of the models that we support.
MAX_PART_TOKENS = 60_000
# A million tokens a reader: beyond it nobody would pay for the review, and no machine would end it in time.
MAX_PARTS = 16
_MAX_PARALLEL_CALLS = 8
# GitHub's content comes one file a request: this many take about a minute, a fifth of the function's life and a third
# of the 900 requests that GitHub allows a minute.
MAX_FILES_READ = 300

_ALL_ON: Mapping[str, AgentMode] = MappingProxyType({})


class Remembered:
    """A reader of head files that asks for each only once in a review."""

    def __init__(self, head_files: HeadFiles) -> None:
        """Read through `head_files`."""
        self._head_files = head_files
        self._texts: dict[str, bytes | None] = {}

    def ahead(self, paths: Sequence[str]) -> None:
        """Read files together that will be asked for one by one."""
        self._texts.update(self._head_files([path for path in paths if path not in self._texts]))

    def __call__(self, path: str) -> bytes | None:
        """Return the file's content, None where the head has no such file."""
        if path not in self._texts:
            self.ahead([path])
        return self._texts[path]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewChange:
    """The engine: the same for a pull request on GitHub and for a checkout on a developer's machine."""

    clock: Clock
    analyzers: Analyzers
    model_agents: tuple[ModelAgent, ...]
    analyzer_agents: tuple[AnalyzerAgent, ...]
    max_files_read: int | None = None  # whole, for the analyzers; None where reading costs nothing

    def __call__(
        self,
        change: Change,
        *,
        model: LanguageModel,
        head_files: HeadFiles,
        attributes: bytes | None,
        deadline: datetime,
        modes: Mapping[str, AgentMode] = _ALL_ON,
    ) -> ReviewResult:
        """Review the change; `head_files` reads files of the head, `attributes` is the base's .gitattributes.

        An agent that `modes` has OFF does not run; what one in SHADOW finds is recorded and not shown. An agent that
        fails is part of the result. Raises RetryableError while a model is throttled or out of reach.
        """
        engine = replace(
            self,
            model_agents=tuple(agent for agent in self.model_agents if _runs(agent.name, modes)),
            analyzer_agents=tuple(agent for agent in self.analyzer_agents if _runs(agent.name, modes)),
        )
        shadows = frozenset(agent for agent, mode in modes.items() if mode is AgentMode.SHADOW)
        return engine._review(  # noqa: SLF001 -- itself, with fewer agents
            change, model=model, head_files=head_files, attributes=attributes, deadline=deadline, shadows=shadows
        )

    def _review(
        self,
        change: Change,
        *,
        model: LanguageModel,
        head_files: HeadFiles,
        attributes: bytes | None,
        deadline: datetime,
        shadows: frozenset[str],
    ) -> ReviewResult:
        change = select(change, attributes=attributes)
        read = Remembered(head_files)
        report = self._analyze(change, read)
        plan = plan_parts(with_functions(change, report.outlines, read), MAX_PART_TOKENS)
        parts = [part_of(part) for part in plan[:MAX_PARTS]]
        agents = Agents(agents=self.model_agents, model=model, clock=self.clock, deadline=deadline)
        verify = Verifier(model=model, clock=self.clock, deadline=deadline, proven_by=self._proven_by)
        with ThreadPoolExecutor(max_workers=_MAX_PARALLEL_CALLS) as pool:
            runs, kept = self._runs(change, agents.ask(parts, pool), report, model)
            anchored = anchor_all(kept, change, read)
            findings, verification = verify(self._merged(anchored, shadows), parts, pool)
        runs = (*runs, verification) if verification is not None else runs
        return ReviewResult(
            base_sha=change.base_sha,
            head_sha=change.head_sha,
            findings=in_shadow(findings, shadows),
            runs=tuple(replace(run, is_shadow=run.agent in shadows) for run in runs),
            coverage=coverage(change, unshown=plan[MAX_PARTS:]),
            is_mock=model.is_mock,
        )

    def _merged(self, findings: Sequence[Finding], shadows: frozenset[str]) -> tuple[Finding, ...]:
        """Merge what will be shown by itself, so that nothing of it ends in a finding that nobody sees."""
        shown = [finding for finding in findings if finding.candidate.agent not in shadows]
        hidden = [finding for finding in findings if finding.candidate.agent in shadows]
        merged = partial(merge, proven_by=self._proven_by)
        return (*merged(shown), *merged(hidden))

    @property
    def _proven_by(self) -> frozenset[str]:
        return frozenset(agent.name for agent in self.analyzer_agents)

    def _analyze(self, change: Change, read: Remembered) -> AnalyzerReport:
        """Run the engines over the changed files of the head; their trouble is a failed agent, not a failed review.

        They come before the models, since what these are shown depends on where functions are.
        """
        names = [agent.engine for agent in self.analyzer_agents]
        wanted = {agent.engine: _reviewable_paths(agent.select(change)) for agent in self.analyzer_agents}
        paths = sorted({path for selected in wanted.values() for path in selected})[: self.max_files_read]
        read.ahead(paths)
        files = [SourceFile(path=path, content=content) for path in paths if (content := read(path)) is not None]
        if not files:
            return AnalyzerReport(candidates=())
        try:
            report = self.analyzers.analyze(files, [*names, FUNCTIONS])
        except PermanentError as error:
            return AnalyzerReport(candidates=(), failed=dict.fromkeys(names, str(error)))
        cut = {
            engine: f"the change is too large: {len(selected & set(paths)):,} of {len(selected):,} files were analyzed"
            for engine, selected in wanted.items()
            if not selected <= set(paths)
        }
        return replace(report, failed={**cut, **report.failed})

    def _runs(
        self,
        change: Change,
        asked: Iterable[Asked],
        report: AnalyzerReport,
        model: LanguageModel,
    ) -> tuple[tuple[AgentRun, ...], list[Candidate]]:
        """Let each agent keep what it stands for, and write down how it went."""
        runs: list[AgentRun] = []
        kept: list[Candidate] = []
        for agent, answers in asked:
            claims = [claim for answer in answers if answer.reading for claim in answer.reading.candidates]
            own = list(agent.keep(change, claims))
            kept += own
            runs.append(model_run(agent, answers, model, findings=len(own)))
        for analyzer in self.analyzer_agents:
            own = list(analyzer.keep(change, [found for found in report.candidates if found.agent == analyzer.name]))
            kept += own
            runs.append(analyzer_run(analyzer, change, report, findings=len(own)))
        return tuple(runs), kept


def _runs(agent: str, modes: Mapping[str, AgentMode]) -> bool:
    return modes.get(agent, AgentMode.ON) is not AgentMode.OFF


def in_shadow(findings: Sequence[Finding], shadows: frozenset[str]) -> tuple[Finding, ...]:
    """Keep the findings of agents in the shadow from being shown; what is not shown comes last."""
    hidden = [
        replace(finding, placement=Placement.DROPPED, anchor=None, is_suggestion_applicable=False)
        for finding in findings
        if finding.candidate.agent in shadows
    ]
    return (*(finding for finding in findings if finding.candidate.agent not in shadows), *hidden)


def _reviewable_paths(change: Change) -> set[str]:
    return {file.path for file in change.files if file.is_reviewable}


def model_run(
    agent: ModelAgent, answers: Sequence[Answered[ParsedAnswer]], model: LanguageModel, *, findings: int
) -> AgentRun:
    """Sum up a model agent's calls: one failed part makes the run a failed one, whatever the others brought."""
    failures = [answer.failure for answer in answers if answer.failure is not None]
    status = RunStatus.SKIPPED if not answers else RunStatus.FAILED if failures else RunStatus.COMPLETE
    return AgentRun(
        agent=agent.name,
        status=status,
        engine=model.name,
        prompt_version=agent.prompt_version,
        reason=failures[0] if failures else None,
        usage=sum((answer.usage for answer in answers), Usage()),
        findings=findings,
        malformed=sum(answer.reading.malformed for answer in answers if answer.reading),
    )


def analyzer_run(agent: AnalyzerAgent, change: Change, report: AnalyzerReport, *, findings: int) -> AgentRun:
    """Sum up an analyzer's part."""
    failure = report.failed.get(agent.engine)
    has_work = any(file.is_reviewable for file in agent.select(change).files)
    status = RunStatus.FAILED if failure else RunStatus.COMPLETE if has_work else RunStatus.SKIPPED
    engine = f"{agent.engine} {report.versions.get(agent.engine, '')}".strip()
    return AgentRun(agent=agent.name, status=status, engine=engine, reason=failure, findings=findings)
