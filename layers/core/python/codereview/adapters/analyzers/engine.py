"""What every engine looks like from the outside, and the limits that it keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from codereview.domain.finding import Candidate
from codereview.errors import PermanentError
from codereview.model_ports import SourceFile

# One hostile file must not fill the answer; 2,000 candidates are about 2 MB of the 6 MB that Lambda returns.
MAX_CANDIDATES = 2_000
# Longer quotes (minified code) are cut to a part of the line; anchoring looks for the part within the line.
MAX_QUOTE = 400


class EngineError(PermanentError):
    """An engine could not do its work; the others still do theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReport:
    """What one engine found. `problem` says what it could not look at, in words for people; None: it saw all."""

    candidates: tuple[Candidate, ...]
    problem: str | None = None


class Engine(Protocol):
    """One engine; both methods may raise EngineError."""

    def version(self) -> str:
        """Return the version of the program or rule set."""
        ...

    def analyze(self, files: Sequence[SourceFile]) -> EngineReport:
        """Look at the files that are the engine's business."""
        ...


def capped(candidates: Sequence[Candidate], problem: str | None) -> EngineReport:
    """Report at most MAX_CANDIDATES, and say so when there were more."""
    if len(candidates) <= MAX_CANDIDATES:
        return EngineReport(candidates=tuple(candidates), problem=problem)
    said = f"stopped after {MAX_CANDIDATES:,} findings"
    return EngineReport(
        candidates=tuple(candidates[:MAX_CANDIDATES]), problem=said if problem is None else f"{problem}; {said}"
    )
