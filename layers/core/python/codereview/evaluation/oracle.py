"""A model that knows the findings: what the pipeline loses or misplaces of its answers is the pipeline's own fault."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from codereview.domain.answers import MAX_FINDINGS
from codereview.domain.change import Row, RowKind
from codereview.domain.diff_sides import row_text
from codereview.domain.finding import Side
from codereview.domain.result import Usage
from codereview.evaluation.golden import Target
from codereview.evaluation.shown import Shown, read_shown
from codereview.model_ports import ModelAnswer, ModelRequest, StopReason

# Those that are asked about every part. An answer holds so many findings, of which the most is made.
SPEAKERS = ("correctness", "security", "maintainability")
_SURE, _STEP = 0.9, 1e-5
_LONGEST_TITLE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What a model says about where its finding belongs."""

    quote: str
    line: int | None


Disturb = Callable[[int, Target, Copy], Copy]


class OracleModel:
    """Fulfils model_ports.LanguageModel with golden findings, each in answer to the part that shows its lines."""

    name = "oracle"
    is_mock = False

    def __init__(
        self, targets: Sequence[Target], *, disturb: Disturb | None = None, is_backwards: bool = False
    ) -> None:
        """Know these findings; `disturb` is how it copies, `is_backwards` the order in which it tells."""
        self._targets = targets
        self._disturb = disturb
        self._is_backwards = is_backwards
        self._untold = set(range(len(targets)))
        self._told: dict[str, list[int]] = {}
        self._shown: dict[str, Shown] = {}
        self._lock = threading.Lock()

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:  # noqa: ARG002 - it takes no time
        """Answer with this agent's share of what the part shows; it refutes nothing."""
        with self._lock:
            numbers = self._told.get(request.change)
            if numbers is None:
                shown = self._shown[request.change] = read_shown([request.change])
                numbers = self._told[request.change] = self._told_about(shown)
            shown = self._shown[request.change]
        share: list[int] = []
        if request.agent in SPEAKERS:
            begin = SPEAKERS.index(request.agent) * MAX_FINDINGS
            share = numbers[begin : begin + MAX_FINDINGS]
        claims = [self._claim(number, shown) for number in (reversed(share) if self._is_backwards else share)]
        return ModelAnswer(
            text=json.dumps({"findings": claims, "verdicts": []}),
            stop=StopReason.COMPLETE,
            usage=Usage(calls=1),
            model=self.name,
        )

    def _told_about(self, shown: Shown) -> list[int]:
        """Choose what to tell about a part: what it shows, and in the first answer what no part will show."""
        is_first = not self._told
        numbers = [
            number
            for number in sorted(self._untold)
            if is_visible(self._targets[number], shown) or (is_first and not _will_be_shown(self._targets[number]))
        ]
        self._untold -= set(numbers)
        return numbers

    def _claim(self, number: int, shown: Shown) -> dict[str, Any]:
        target = self._targets[number]
        copy = perfect_copy(target, shown)
        if self._disturb is not None:
            copy = self._disturb(number, target, copy)
        text = target.golden.text.strip() or "A finding without words."
        return {
            "path": target.golden.path,
            "quote": copy.quote,
            "line": copy.line,
            "severity": "medium",
            "category": "other",
            "confidence": mark_of(number),
            "title": text.partition("\n")[0][:_LONGEST_TITLE],
            "body": text,
            "suggestion": None,
        }


def mark_of(number: int) -> float:
    """Return the confidence of a finding, which no two share: by it the finding is known again in the result."""
    return round(_SURE - number * _STEP, 9)


def is_visible(target: Target, shown: Shown) -> bool:
    """Whether any of a finding's lines was shown."""
    return any(line is not None for line in visible_lines(target, shown))


def visible_lines(target: Target, shown: Shown) -> list[str | None]:
    """Return a finding's lines as they were shown, None for each that was not."""
    golden = target.golden
    if golden.side is Side.LEFT:
        texts = [_as_shown(row, target, shown) for row in target.rows]
        return [*texts, *[None] * (golden.to_line - golden.from_line + 1 - len(texts))]
    return [shown.line(target.path, number) for number in range(golden.from_line, golden.to_line + 1)]


def perfect_copy(target: Target, shown: Shown) -> Copy:
    """Quote a finding's lines as a model saw them; rows of a file that it was not shown, as they are in the diff."""
    golden = target.golden
    if golden.side is Side.LEFT and any(row.kind is RowKind.REMOVED for row in target.rows):
        quote = "\n".join(f"       - {row_text(row)}" for row in target.rows)
        return Copy(quote=quote, line=golden.from_line)
    if target.rows:
        texts = [_as_shown(row, target, shown) for row in target.rows]
        lines = [row_text(row) if text is None else text for row, text in zip(target.rows, texts, strict=True)]
        return Copy(quote="\n".join(lines), line=target.rows[0].new_line)
    seen = {
        number: text
        for number in range(golden.from_line, golden.to_line + 1)
        if golden.side is Side.RIGHT and (text := shown.line(target.path, number)) is not None
    }
    return Copy(quote="\n".join(seen.values()), line=min(seen, default=None))


def _as_shown(row: Row, target: Target, shown: Shown) -> str | None:
    if row.new_line is not None:
        return shown.line(target.path, row.new_line)
    text = row_text(row)
    return text if shown.has_removed(target.path, text) else None


def _will_be_shown(target: Target) -> bool:
    return bool(target.rows) and target.file is not None and target.file.is_reviewable
