"""What an agent claims about a change, and what becomes of the claim."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is if the finding is right; most severe first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the most severe, for sorting."""
        return list(Severity).index(self)


class Side(StrEnum):
    """GitHub's names of the two columns of a diff."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One claim of one agent, before anybody has checked where it belongs.

    `line` is a hint, 1-based in the new file; a language model's is often wrong, so `quote` decides.
    `quote` is verbatim text of the new file, one line or several joined by a newline; `""` where the
    agent gave none. `rule` is an analyzer's rule id or a model's category.
    """

    agent: str
    rule: str
    severity: Severity
    path: str
    quote: str
    title: str
    body: str
    line: int | None = None
    confidence: float | None = None  # 0..1; None where the agent does not say
    suggestion: str | None = None  # replacement of the quoted lines, without a fence
    suppressed_at: int | None = None  # line of the comment that silences the analyzer here; obeyed unless it is new


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A place in the diff that GitHub accepts: 1-based; `start_line` only if it is before `line`, in the same hunk."""

    side: Side
    line: int
    start_line: int | None = None


class Placement(StrEnum):
    """Where a finding is shown."""

    INLINE = "inline"  # on its anchor
    FILE = "file"  # the body, under its file: the quote stands in the file but outside the diff
    BODY = "body"  # the body, without a place
    DROPPED = "dropped"  # not shown: the quoted code exists nowhere, or the verifier refuted the claim


class Verdict(StrEnum):
    """What the verifier says of a claim, having tried to refute it."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A checked claim: `anchor` is set exactly when `placement` is INLINE.

    `text` is the code at the anchor as it stands in the file (`""` without one). `fingerprint` is hex; equal for
    the same problem in the same code after a rebase or a rename, whatever words the model chose.
    """

    candidate: Candidate
    path: str  # normalised: the new path in the change, where the candidate's could be matched
    placement: Placement
    anchor: Anchor | None
    text: str
    fingerprint: str
    is_suggestion_applicable: bool = False
    also_found_by: tuple[str, ...] = ()  # other agents whose claim was merged into this one
    verdict: Verdict | None = None  # None: nobody tried to refute it
    verdict_reason: str = ""  # the verifier's words, a model's like the claim's own
