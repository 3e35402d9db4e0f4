"""A model that reads no code: it quotes real changed lines, and errs in the ways that real models do, every time alike.

It shows and tests the whole pipeline at no cost. Of its claims, the correctness agent's contain one with a right quote
and a wrong line number, and one whose quote stands nowhere. All others are right about where they are.
"""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from codereview.domain.result import Usage
from codereview.model_ports import ModelAnswer, ModelRequest, StopReason

_HEADING = re.compile(r"=== file: (.*) \([a-z]+(?:, was .*)?\)$")
_ADDED = re.compile(r" *(\d+) \+ (.*)$")
_WORDS = re.compile(r"\w{2,}.*\w{2,}", re.DOTALL)
_INVENTED = "    raise NotImplementedError('a line that the mock model made up')"


@dataclass(frozen=True, slots=True)
class _Line:
    path: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class _Role:
    """What an agent claims somewhere: `place` is how far down the added lines, 0 to 1.

    The texts have few words in common, so that claims of several agents about near lines stay several.
    """

    agent: str
    place: float
    severity: str
    category: str
    title: str
    body: str
    wrong_by: int = 0  # lines


_ROLES = (
    _Role(
        "correctness", 0.5, "medium", "logic", "a condition to look at twice",
        "Its number points seven rows further down on purpose; the quote brings it back to where it belongs.",
        wrong_by=7,
    ),
    _Role(
        "correctness", 0.0, "high", "error-handling", "an error that nobody handles",
        "Here would stand what raises, who ought to catch it, and how the program ends otherwise.",
    ),
    _Role(
        "security", 1.0, "medium", "injection", "a value that nobody checks",
        "An attacker's string would travel from its entry to this sink, and the remedy would be named.",
    ),
    _Role(
        "security", 0.9, "low", "exposure", "more is shown than needed",
        "Personal data or internals might leak through such an output; least privilege helps.",
    ),
    _Role(
        "performance", 0.25, "medium", "performance", "work that grows with the input",
        "Measured against thousands of rows, repeated queries inside loops dominate latency.",
    ),
    _Role(
        "concurrency", 0.75, "medium", "concurrency", "two tasks that meet",
        "Imagine both threads reading before either writes: one update disappears silently.",
    ),
    _Role(
        "tests", 0.4, "low", "test", "an assertion that cannot fail",
        "Break production on purpose and watch whether anything turns red.",
    ),
    _Role(
        "maintainability", 0.6, "low", "maintainability", "a name that promises something else",
        "Whoever edits next month trusts documentation; keep vocabulary aligned with behaviour.",
    ),
)  # fmt: skip
_MADE_UP = _Role(
    "correctness", 0.0, "high", "logic", "a defect in code that is not there",
    "This quote stands nowhere, so that nobody gets to read it.",
)  # fmt: skip


class MockModel:
    """Fulfils model_ports.LanguageModel without a model."""

    name = "mock"
    is_mock = True

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:  # noqa: ARG002 - it takes no time
        """Answer by the request's agent and change alone; asked to judge, it refutes nothing."""
        claims = _claims(request.agent, _added_lines(request.change))
        return ModelAnswer(
            text=json.dumps({"findings": claims, "verdicts": []}),
            stop=StopReason.COMPLETE,
            usage=Usage(calls=1),
            model=self.name,
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


def _claims(agent: str, lines: list[_Line]) -> list[dict[str, Any]]:
    """Make the agent's claims: each at a line that no other claim of any agent is about, as far as there are lines."""
    places = _places(len(lines))
    claims = [
        _claim(lines[places[number]], role, number=lines[places[number]].number + role.wrong_by)
        for number, role in enumerate(_ROLES)
        if role.agent == agent and number in places
    ]
    if agent == "correctness" and lines:
        claims.append(_claim(_Line(lines[0].path, lines[0].number, _INVENTED), _MADE_UP, number=lines[0].number))
    return claims


def _places(count: int) -> dict[int, int]:
    """Spread the roles over the lines, each to the nearest free one; where lines are few, later roles get none."""
    places: dict[int, int] = {}
    for number, role in enumerate(_ROLES):
        free = [index for index in range(count) if index not in places.values()]
        if free:
            wanted = role.place * (count - 1)
            places[number] = min(free, key=lambda index: (abs(index - wanted), index))
    return places


def _claim(line: _Line, role: _Role, *, number: int) -> dict[str, Any]:
    return {
        "path": line.path,
        "quote": line.text,
        "line": number,
        "severity": role.severity,
        "category": role.category,
        "confidence": 0.5,
        "title": f"Mock finding: {role.title}",
        "body": f"Made up by the mock. {role.body}",
        "suggestion": None,
    }
