"""Puts all agents' questions about a change to a model, so that the provider's cache serves all but the first."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from codereview.agents.agent import ModelAgent, Part
from codereview.domain.answers import ParsedAnswer, parse_answer
from codereview.domain.disclosure import without_instructions
from codereview.domain.finding import Candidate
from codereview.domain.raising import During
from codereview.model_ports import LanguageModel
from codereview.ports import Clock
from codereview.use_cases.ask_model import Answered, ask

# A provider's cache holds a prefix once the first answer about it has begun. Waiting for longer than this would leave
# the others too little time; then they pay the full price.
WARM_UP_SECONDS = 60

Asked = tuple[ModelAgent, list[Answered[ParsedAnswer]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """The model agents, and what they need to ask."""

    agents: tuple[ModelAgent, ...]
    model: LanguageModel
    clock: Clock
    deadline: datetime

    def ask(self, parts: Sequence[Part], pool: Executor) -> list[Asked]:
        """Ask each agent about the parts that it selects something of, each part's first agent ahead of the others.

        Raises RetryableError where the model is throttled or out of reach; answers that came by then are not lost,
        since the model that is asked remembers them.
        """
        questions = [(agent, part) for part in parts for agent in self._selecting(part)]
        first = {id(part): agent for agent, part in reversed(questions)}
        futures: dict[tuple[str, int], Future[Answered[ParsedAnswer]]] = {}
        for is_first in (True, False):
            for agent, part in questions:
                if (first[id(part)] is agent) is is_first:
                    futures[agent.name, id(part)] = pool.submit(self._ask, agent, part)
            done, _ = wait(futures.values(), timeout=WARM_UP_SECONDS if is_first else None)
            for future in done:
                future.result()
        return [
            (agent, [futures[agent.name, id(part)].result() for asked, part in questions if asked is agent])
            for agent in self.agents
        ]

    def _selecting(self, part: Part) -> list[ModelAgent]:
        return [agent for agent in self.agents if any(file.is_reviewable for file in agent.select(part.change).files)]

    def _ask(self, agent: ModelAgent, part: Part) -> Answered[ParsedAnswer]:
        read = partial(_read, agent=agent, part=part)
        with During(f"agent {agent.name}"):
            return ask(agent.request(part), read, self.model, self.clock, self.deadline)


def _read(text: str, *, agent: ModelAgent, part: Part) -> ParsedAnswer:
    """Read an answer; where it recites what we told the model, that is left out."""
    answer = parse_answer(text, agent.name)
    withhold = partial(without_instructions, instructions=agent.instructions, shown=part.text)
    return replace(answer, candidates=tuple(_withheld(claim, withhold) for claim in answer.candidates))


def _withheld(claim: Candidate, withhold: Callable[[str], str]) -> Candidate:
    quote, suggestion = withhold(claim.quote), withhold(claim.suggestion or "")
    return replace(
        claim,
        path=withhold(claim.path),
        title=withhold(claim.title),
        body=withhold(claim.body),
        quote=quote if quote == claim.quote else "",
        suggestion=claim.suggestion if suggestion == (claim.suggestion or "") else None,
    )
