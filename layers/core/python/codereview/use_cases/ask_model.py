"""Puts one question to a model: at most twice, and what comes back is an answer or a named failure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from codereview.domain.answers import UnusableAnswerError
from codereview.domain.result import Usage
from codereview.errors import PermanentError
from codereview.model_ports import LanguageModel, ModelAnswer, ModelRequest, StopReason
from codereview.ports import Clock

MAX_CALLS = 2
_LONGEST_CALL = timedelta(minutes=3)

# What has to be left of the function's time after the last answer, to store and post.
_RESERVE = timedelta(seconds=75)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered[Reading]:
    """What was read out of an answer; where that is None, `failure` says in words why."""

    reading: Reading | None = None
    failure: str | None = None
    usage: Usage


def ask[Reading](
    request: ModelRequest, read: Callable[[str], Reading], model: LanguageModel, clock: Clock, deadline: datetime
) -> Answered[Reading]:
    """Ask, and once more if `read` cannot use the answer, which it says by UnusableAnswerError.

    A refused or wrong request is a failure; a throttled or unreachable model raises RetryableError.
    """
    usage, failure, question = Usage(), "no time left to ask", request
    for _ in range(MAX_CALLS):
        left = deadline - _RESERVE - clock.now()
        if left <= timedelta():
            break
        try:
            answer = model.answer(question, deadline=min(left, _LONGEST_CALL))
        except PermanentError as error:
            return Answered(failure=str(error), usage=usage)
        usage += answer.usage
        try:
            return Answered(reading=_reading(answer, read), usage=usage)
        except UnusableAnswerError as error:
            failure = str(error)
            question = _repair(request, failure, answer.stop)
    return Answered(failure=failure, usage=usage)


def _reading[Reading](answer: ModelAnswer, read: Callable[[str], Reading]) -> Reading:
    """Read an answer; one that was cut or refused is not an answer, whatever it contains."""
    if answer.stop is StopReason.TRUNCATED:
        raise UnusableAnswerError("the model's answer was cut off")
    if answer.stop is StopReason.REFUSED:
        raise UnusableAnswerError("the model refused to answer")
    return read(answer.text)


def _repair(request: ModelRequest, failure: str, stop: StopReason) -> ModelRequest:
    """Ask again, saying what was wrong; the shared prefix stays as it is, for the cache."""
    task = f"{request.task}\n\nYour previous answer could not be used: {failure}. Answer again, only by the schema."
    if stop is StopReason.TRUNCATED:
        task += " Be brief: leave out all but the ten most important entries, and keep each text to two sentences."
    return replace(request, task=task)
