"""Has the model agents' findings judged by the verifier, and drops what it refutes; nothing is lost if it fails."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from codereview.agents import verifier
from codereview.agents.agent import Part
from codereview.domain.disclosure import without_instructions
from codereview.domain.finding import Finding, Placement, Side, Verdict
from codereview.domain.result import AgentRun, RunStatus, Usage
from codereview.domain.verdicts import Judgement, parse_verdicts
from codereview.errors import RetryableError
from codereview.model_ports import LanguageModel
from codereview.ports import Clock
from codereview.use_cases.ask_model import Answered, ask

Judgements = dict[int, Judgement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """The verifier, and what it needs to ask: one question a part of the change that has claims in it."""

    model: LanguageModel
    clock: Clock
    deadline: datetime
    proven_by: frozenset[str]  # agents whose word needs no second opinion

    def __call__(
        self, findings: Sequence[Finding], parts: Sequence[Part], pool: Executor
    ) -> tuple[tuple[Finding, ...], AgentRun | None]:
        """Return the findings in their order, refuted ones last, and how it went; None where nothing was to judge."""
        claims = self._claims(findings, parts)
        if not claims:
            return tuple(findings), None
        futures = [
            (numbers, pool.submit(self._ask, part, [findings[number] for number in numbers]))
            for part, numbers in claims
        ]
        answers = [(numbers, future.result()) for numbers, future in futures]
        judged = {
            numbers[place - 1]: judgement
            for numbers, answer in answers
            for place, judgement in (answer.reading or {}).items()
        }
        with_verdicts = [
            _with(finding, judged[number]) if number in judged else finding for number, finding in enumerate(findings)
        ]
        kept = [finding for finding in with_verdicts if finding.placement is not Placement.DROPPED]
        dropped = [finding for finding in with_verdicts if finding.placement is Placement.DROPPED]
        return (*kept, *dropped), self._run([answer for _, answer in answers], judged)

    def _claims(self, findings: Sequence[Finding], parts: Sequence[Part]) -> list[tuple[Part, list[int]]]:
        """Sort the claims by the part that shows them: the most important ones, if there are too many to ask about."""
        by_part: list[list[int]] = [[] for _ in parts]
        for number, finding in enumerate(findings):
            agents = {finding.candidate.agent, *finding.also_found_by}
            if parts and finding.placement is not Placement.DROPPED and not agents & self.proven_by:
                by_part[_part_showing(finding, parts)].append(number)
        return [(part, numbers[: verifier.MAX_CLAIMS]) for part, numbers in zip(parts, by_part, strict=True) if numbers]

    def _ask(self, part: Part, claims: Sequence[Finding]) -> Answered[Judgements]:
        """Ask once; unlike an agent, a verifier that has to wait does not make the review wait."""
        read = partial(_read, claims=len(claims), part=part)
        try:
            return ask(verifier.verification(part, claims), read, self.model, self.clock, self.deadline)
        except RetryableError as error:
            return Answered(failure=str(error), usage=Usage())

    def _run(self, answers: Sequence[Answered[Judgements]], judged: Judgements) -> AgentRun:
        failures = [answer.failure for answer in answers if answer.failure is not None]
        return AgentRun(
            agent=verifier.NAME,
            status=RunStatus.FAILED if failures else RunStatus.COMPLETE,
            engine=self.model.name,
            prompt_version=verifier.prompt_version(),
            reason=failures[0] if failures else None,
            usage=sum((answer.usage for answer in answers), Usage()),
            judged=len(judged),
            refuted=sum(judgement.verdict is Verdict.REFUTED for judgement in judged.values()),
        )


def _read(text: str, *, claims: int, part: Part) -> Judgements:
    """Read the judgements; where a reason recites what we told the model, that is left out."""
    withhold = partial(without_instructions, instructions=verifier.instructions(), shown=part.text)
    return {
        number: replace(judgement, reason=withhold(judgement.reason))
        for number, judgement in parse_verdicts(text, claims).items()
    }


def _with(finding: Finding, judgement: Judgement) -> Finding:
    """Write a judgement down; what is refuted keeps its words but loses its place."""
    finding = replace(finding, verdict=judgement.verdict, verdict_reason=judgement.reason)
    if judgement.verdict is Verdict.REFUTED:
        finding = replace(finding, placement=Placement.DROPPED, anchor=None, is_suggestion_applicable=False)
    return finding


def _part_showing(finding: Finding, parts: Sequence[Part]) -> int:
    """Find the part that shows the finding's line, else its file, else the first."""
    of_file = 0
    for number, part in reversed(list(enumerate(parts))):
        for file in part.change.files:
            if file.path == finding.path:
                of_file = number
                if finding.anchor is None:
                    continue
                is_left = finding.anchor.side is Side.LEFT
                lines = {row.old_line if is_left else row.new_line for hunk in file.hunks for row in hunk.rows}
                if finding.anchor.line in lines:
                    return number
    return of_file
