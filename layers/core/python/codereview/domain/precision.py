"""How often an agent is right, as far as people's reactions tell, and when it has to stop talking.

A problem that was shown ends as fixed or dismissed. While it is open, people may like or dislike what we said of it, by
👍 and 👎, and ignore it: when for two weeks nothing has changed about it. What is younger and has no more votes for one
side than for the other has not been answered yet, and counts for nothing.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

IGNORED_AFTER = timedelta(days=14)

# 95 per cent of such intervals hold the true share: https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval
_Z = 1.96

# An agent of which less than this share is taken up costs its readers more than it gives them.
FLOOR = 0.25
FEWEST_ANSWERS = 20  # below that no share means anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What became of the problems that were shown."""

    fixed: int = 0
    liked: int = 0  # open, with more 👍 than 👎
    disliked: int = 0  # open, with more 👎 than 👍
    dismissed: int = 0
    ignored: int = 0
    unanswered: int = 0  # open, and too young to say

    def __add__(self, other: "Outcomes") -> "Outcomes":
        """Sum two counts."""
        return Outcomes(
            fixed=self.fixed + other.fixed,
            liked=self.liked + other.liked,
            disliked=self.disliked + other.disliked,
            dismissed=self.dismissed + other.dismissed,
            ignored=self.ignored + other.ignored,
            unanswered=self.unanswered + other.unanswered,
        )

    @property
    def answered(self) -> int:
        """How many count."""
        return self.accepted + self.disliked + self.dismissed + self.ignored

    @property
    def accepted(self) -> int:
        """How many were right, by what people did or said."""
        return self.fixed + self.liked

    @property
    def precision(self) -> float | None:
        """The share that was right; None if nothing was answered."""
        return self.accepted / self.answered if self.answered else None

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which shares the true one lies, by Wilson's interval; 0 to 1 if nothing was answered."""
        return wilson(self.accepted, self.answered)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return Wilson's interval of a share."""
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, _Z * _Z
    centre = share + square / (2 * trials)
    spread = _Z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def below_floor(outcomes: Mapping[str, Outcomes], *, agents: Iterable[str]) -> list[str]:
    """Name the agents that are certainly below the floor: even the upper bound is, and enough was answered."""
    return sorted(
        agent
        for agent in agents
        if agent in outcomes and outcomes[agent].answered >= FEWEST_ANSWERS and outcomes[agent].bounds[1] < FLOOR
    )
