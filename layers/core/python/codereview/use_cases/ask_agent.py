"""Puts one agent's question to a model: at most twice, and what comes back is an answer or a named failure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.agents.agent import ModelAgent
from codereview.domain.answers import UnusableAnswerError, parse_answer
from codereview.domain.change import Change
from codereview.domain.finding import Candidate
from codereview.domain.result import Usage
from codereview.errors import PermanentError
from codereview.ports import Clock, LanguageModel, ModelAnswer, ModelRequest, StopReason

_MAX_CALLS = 2
_LONGEST_CALL = timedelta(minutes=3)

# What has to be left of the function's time after the last answer, to store and post.
_RESERVE = timedelta(seconds=75)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAnswer:
    """The claims of one agent about one part of the change; `failure` says in words why there are none, or not all."""

    candidates: tuple[Candidate, ...] = ()
    failure: str | None = None
    usage: Usage

    @staticmethod
    def total_usage(answers: Iterable["AgentAnswer"]) -> Usage:
        """Sum up what the answers took."""
        return sum((answer.usage for answer in answers), Usage())


def ask(agent: ModelAgent, part: Change, model: LanguageModel, clock: Clock, deadline: datetime) -> AgentAnswer:
    """Ask, and once more if the answer cannot be used.

    A refused or wrong request is a failure of the agent; a throttled or unreachable model raises RetryableError, since
    the whole review can wait for it.
    """
    request, usage, failure = agent.request(part), Usage(), "no time left to ask"
    for _ in range(_MAX_CALLS):
        left = deadline - _RESERVE - clock.now()
        if left <= timedelta():
            break
        try:
            answer = model.answer(request, deadline=min(left, _LONGEST_CALL))
        except PermanentError as error:
            return AgentAnswer(failure=str(error), usage=usage)
        usage += answer.usage
        try:
            return AgentAnswer(candidates=_candidates(answer, agent), usage=usage)
        except UnusableAnswerError as error:
            failure = str(error)
            request = _repair(request, failure)
    return AgentAnswer(failure=failure, usage=usage)


def _candidates(answer: ModelAnswer, agent: ModelAgent) -> tuple[Candidate, ...]:
    """Read an answer; one that was cut or refused is not an answer, whatever it contains."""
    if answer.stop is StopReason.TRUNCATED:
        raise UnusableAnswerError("the model's answer was cut off")
    if answer.stop is StopReason.REFUSED:
        raise UnusableAnswerError("the model refused to answer")
    return parse_answer(answer.text, agent.name).candidates


def _repair(request: ModelRequest, failure: str) -> ModelRequest:
    """Ask again, saying what was wrong; the shared prefix stays as it is, for the cache."""
    task = f"{request.task}\n\nYour previous answer could not be used: {failure}. Answer again, only by the schema."
    return ModelRequest(
        agent=request.agent,
        rules=request.rules,
        change=request.change,
        task=task,
        schema=request.schema,
        max_output_tokens=request.max_output_tokens,
    )
