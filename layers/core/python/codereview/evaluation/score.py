"""Counts of one case or of several, and how they are shown."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Dollars for a million tokens: read, read from the provider's cache, written."""

    read: float
    cached: float
    written: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What became of a case's findings.

    Of `golden`, `in_diff` are those on whose lines GitHub takes a comment. Each is `delivered` or `lost`; a delivered
    one is a comment on exactly its lines (`inline_exact`), on some of them (`inline_near`), on none of them (`wrong`),
    or stands in the review's body; `not_inline` counts these where the lines are in the diff. `merged` ones are told
    by another finding at the same place.
    """

    case: str
    golden: int = 0
    in_diff: int = 0
    delivered: int = 0
    merged: int = 0
    inline_exact: int = 0
    inline_near: int = 0
    wrong: int = 0
    not_inline: int = 0
    lost: int = 0
    comments: int = 0  # all that are posted, the analyzers' too
    refused: int = 0  # of these by GitHub
    duplicates: int = 0  # comments of a second review of the same head
    failed_agents: int = 0
    commented_lines: int = 0
    visible_lines: int = 0  # of these to the model
    shown_tokens: int = 0  # of the change, each part once
    raw_tokens: int = 0  # of the diff as git prints it
    calls: int = 0
    input_tokens: int = 0  # of all calls, cached ones included
    cached_tokens: int = 0
    output_tokens: int = 0

    def cost(self, prices: Prices) -> float:
        """Return dollars."""
        fresh = self.input_tokens - self.cached_tokens
        millionths = fresh * prices.read + self.cached_tokens * prices.cached + self.output_tokens * prices.written
        return millionths / 1_000_000

    def document(self, prices: Prices) -> dict[str, Any]:
        """Return the score for programs; a ratio of nothing is null."""
        return {
            **asdict(self),
            "inline_exact_share": _share(self.inline_exact, self.in_diff),
            "wrong_share": _share(self.wrong, self.golden),
            "token_ratio": _share(self.shown_tokens, self.raw_tokens),
            "visible_share": _share(self.visible_lines, self.commented_lines),
            "cost_usd": round(self.cost(prices), 6),
        }


def total(scores: Sequence[Score]) -> Score:
    """Sum up."""
    counts = [field.name for field in fields(Score) if field.name != "case"]
    return Score(case="total", **{name: sum(getattr(score, name) for score in scores) for name in counts})


def table(scores: Sequence[Score], prices: Prices) -> str:
    """Show scores as lines of text, the sum last."""
    rows = [_HEADINGS, *(_cells(score, prices) for score in [*scores, total(scores)])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    )


_HEADINGS = (
    "case", "golden", "in diff", "delivered", "exact", "near", "wrong", "body", "lost", "refused", "duplicates",
    "visible", "tokens", "x raw", "cost $",
)  # fmt: skip


def _cells(score: Score, prices: Prices) -> tuple[str, ...]:
    visible, ratio = _share(score.visible_lines, score.commented_lines), _share(score.shown_tokens, score.raw_tokens)
    return (
        score.case,
        str(score.golden),
        str(score.in_diff),
        str(score.delivered),
        str(score.inline_exact),
        str(score.inline_near),
        str(score.wrong),
        str(score.not_inline),
        str(score.lost),
        str(score.refused),
        str(score.duplicates),
        "-" if visible is None else f"{visible:.1%}",
        str(score.shown_tokens),
        "-" if ratio is None else f"{ratio:.2f}",
        f"{score.cost(prices):.4f}",
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
