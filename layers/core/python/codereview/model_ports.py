"""What the core needs from language models and analyzers, with the values that cross the border."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

from codereview.domain.finding import Candidate
from codereview.domain.outline import Span
from codereview.domain.result import Usage


class StopReason(StrEnum):
    """Why the model stopped; only COMPLETE is an answer."""

    COMPLETE = "complete"
    TRUNCATED = "truncated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One question.

    `rules` and `change` are byte-identical for all agents of a review, so that the provider's cache serves the second
    and later ones; `task` is the agent's own and comes last.
    """

    agent: str
    rules: str
    change: str
    task: str
    schema: Mapping[str, Any]  # JSON Schema of the answer
    max_output_tokens: int = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """What the model said: `text` is meant to be JSON by the request's schema, and may be anything."""

    text: str
    stop: StopReason
    usage: Usage
    model: str


class LanguageModel(Protocol):
    """A model behind one provider's API."""

    @property
    def name(self) -> str:
        """The model's id as it is recorded with each finding."""
        ...

    @property
    def is_mock(self) -> bool:
        """Whether its findings are made up, and must be marked as such."""
        ...

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        """Ask once, without hidden retries.

        Raises ThrottledError, RetryableError (overloaded, 5xx, cut stream, time-out), PermanentError (bad key, unknown
        model, request too large).
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A whole file of the head, as bytes."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzerReport:
    """What the engines found in whole files. `failed` names engines that could not do their work, with the reason.

    `outlines` are the functions of each file, where the engine `functions` was asked for them.
    """

    candidates: tuple[Candidate, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    outlines: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)


class Analyzers(Protocol):
    """Deterministic engines, run where hostile code can do no harm."""

    def analyze(self, files: Sequence[SourceFile], engines: Sequence[str]) -> AnalyzerReport:
        """Run the named engines over the files; a candidate's `line` is exact and its `quote` the file's own text."""
        ...


# Reads many files of a head: each path that is asked for comes back, with None where there is no file.
HeadFiles = Callable[[Sequence[str]], Mapping[str, bytes | None]]
