"""A model that reads no code: it quotes real changed lines, and errs in the ways that real models do, every time alike.

It shows and tests the whole pipeline at no cost. Of its claims, the correctness agent's contain one with a right quote
and a wrong line number, and one whose quote stands nowhere.
"""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from codereview.domain.result import Usage
from codereview.ports import ModelAnswer, ModelRequest, StopReason

_HEADING = re.compile(r"=== file: (.*) \([a-z]+(?:, was .*)?\)$")
_ADDED = re.compile(r" *(\d+) \+ (.*)$")
_WORDS = re.compile(r"\w{2,}.*\w{2,}", re.DOTALL)
_INVENTED = "    raise NotImplementedError('a line that the mock model made up')"
_WRONG_BY = 7  # lines


@dataclass(frozen=True, slots=True)
class _Line:
    path: str
    number: int
    text: str


class MockModel:
    """Fulfils ports.LanguageModel without a model."""

    name = "mock"
    is_mock = True

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:  # noqa: ARG002 - it takes no time
        """Answer by the request's agent and change alone."""
        lines = _added_lines(request.change)
        claims = _weaknesses(lines) if request.agent == "security" else _defects(lines)
        return ModelAnswer(
            text=json.dumps({"findings": claims}), stop=StopReason.COMPLETE, usage=Usage(calls=1), model=self.name
        )


def _added_lines(change: str) -> list[_Line]:
    """Read the rendered change: lines that were added, and say enough to be quoted."""
    lines: list[_Line] = []
    path = ""
    for row in change.split("\n"):
        if heading := _HEADING.match(row):
            path = heading[1]
        elif (added := _ADDED.match(row)) and _WORDS.search(added[2]):
            lines.append(_Line(path, int(added[1]), added[2]))
    return lines


def _defects(lines: list[_Line]) -> list[dict[str, Any]]:
    """Claim defects at the first and at a middle line, the latter with a wrong number, and one in code that is not."""
    if not lines:
        return []
    first, middle = lines[0], lines[len(lines) // 2]
    claims = [
        _claim(middle, "medium", "logic", number=middle.number + _WRONG_BY, title="a condition to look at twice"),
        _claim(_Line(first.path, first.number, _INVENTED), "high", "logic", title="a defect in code that is not there"),
    ]
    if middle != first:
        claims.insert(0, _claim(first, "high", "error-handling", title="an error that nobody handles"))
    return claims


def _weaknesses(lines: list[_Line]) -> list[dict[str, Any]]:
    """Claim weaknesses at the last line, and at one that no defect is claimed at."""
    taken = {0, len(lines) // 2}
    free = [line for index, line in enumerate(lines) if index not in taken]
    claims = [_claim(line, "medium", "injection", title="a value that nobody checks") for line in free[-1:]]
    return claims + [_claim(line, "low", "exposure", title="more is shown than needed") for line in free[:-1][-1:]]


def _claim(line: _Line, severity: str, category: str, *, title: str, number: int | None = None) -> dict[str, Any]:
    return {
        "path": line.path,
        "quote": line.text,
        "line": line.number if number is None else number,
        "severity": severity,
        "category": category,
        "confidence": 0.5,
        "title": f"Mock finding: {title}",
        "body": "The mock model made this up to show where and how a finding appears. No model has read the code.",
        "suggestion": None,
    }
