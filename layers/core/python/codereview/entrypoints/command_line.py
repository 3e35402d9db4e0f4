"""What the command line needs to review a checkout."""

from dataclasses import dataclass

from codereview.model_ports import LanguageModel
from codereview.ports import Clock
from codereview.use_cases.review_change import ReviewChange


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLineEngine:
    """The engine with its model, as `bootstrap.command_line` puts it together."""

    clock: Clock
    model: LanguageModel
    review_change: ReviewChange
