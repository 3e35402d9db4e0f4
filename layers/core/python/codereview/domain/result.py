"""The result of one review, as it is stored, published and recorded."""

from dataclasses import dataclass, field
from enum import StrEnum

from codereview.domain.finding import Finding, Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that one or more model calls took; `cached` of the input came from the provider's cache."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    calls: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Sum two usages."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            calls=self.calls + other.calls,
        )


class RunStatus(StrEnum):
    """How an agent's part ended."""

    COMPLETE = "complete"
    FAILED = "failed"
    SKIPPED = "skipped"  # nothing in the change for it


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRun:
    """What one agent did. `engine` is `<model name>` or `<analyzer> <version>`; `reason` says why it failed.

    `malformed` claims could not be read and are lost. `judged` is the verifier's: on how many claims it gave a verdict,
    of which it refuted `refuted`.
    """

    agent: str
    status: RunStatus
    engine: str
    prompt_version: str | None = None
    reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    findings: int = 0
    malformed: int = 0
    judged: int | None = None
    refuted: int = 0
    is_shadow: bool = False  # recorded, and shown to nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreviewed:
    """A file that no agent saw, or not whole, and why, in words for people."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was looked at. `file_count` includes files that the source did not list."""

    reviewed: tuple[str, ...]
    unreviewed: tuple[Unreviewed, ...]
    file_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewResult:
    """A finished review: `findings` are merged and ranked, most important first, dropped ones last."""

    base_sha: str
    head_sha: str
    findings: tuple[Finding, ...]
    runs: tuple[AgentRun, ...]
    coverage: Coverage
    is_mock: bool = False  # a mock model took part: every word shown says so

    @property
    def shown(self) -> tuple[Finding, ...]:
        """The findings that people get to see."""
        return tuple(finding for finding in self.findings if finding.placement is not Placement.DROPPED)

    @property
    def usage(self) -> Usage:
        """What all model calls together took."""
        return sum((run.usage for run in self.runs), Usage())
