"""Looks at every part of a deployment; a part that cannot be looked at is red itself."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from codereview.domain.diagnosis import Diagnosis, red
from codereview.errors import CodeReviewError, ConfigurationError, ForbiddenError

Look = Callable[[], Sequence[Diagnosis]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part; `mend` is what to do where looking at it fails."""

    subject: str
    look: Look
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnose:
    """The parts, from the outside inwards."""

    parts: Sequence[Part]

    def __call__(self) -> Iterator[Diagnosis]:
        """Tell of one part after the other, as it was looked at."""
        for part in self.parts:
            try:
                yield from part.look()
            except ForbiddenError as error:
                yield red(part.subject, str(error), f"{part.mend}; or your credentials may not look")
            except (CodeReviewError, ConfigurationError) as error:
                yield red(part.subject, str(error), part.mend)
