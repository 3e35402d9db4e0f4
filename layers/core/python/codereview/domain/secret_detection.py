"""Finds secrets in text, by their shapes and by the names they are given to; no network, no dictionary.

Found are places, never values: what is returned can be logged. The shapes are those of `secret_patterns`, which the
product masks wherever it prints text; names with values are judged here, more closely than masking does.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from codereview.domain.finding import Severity
from codereview.domain.secret_assignments import AssignedKind, find_assignments
from codereview.domain.secret_patterns import find_secrets as find_formats
from codereview.domain.secret_rules import rule_of

# Text is looked at in pieces, so that time can be watched between them. A piece ends at a line's end; a line that is
# longer is cut, and the pieces overlap by more than the longest secret that has a line for itself.
_PIECE = 64 << 10
_OVERLAP = 4 << 10
_ALLOWED = re.compile(r"gitleaks:allow|pragma: ?allowlist (?:nextline )?secret|noqa: ?S10[567]|nosecret", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretMatch:
    """A place that holds a secret: offsets into the text; the line is 1-based."""

    rule: str
    kind: str
    severity: Severity
    confidence: float
    start: int
    end: int
    line: int
    allowed_at: int | None  # line of a comment that excuses it


_ASSIGNED = {
    AssignedKind.PASSWORD: ("password", "Password", Severity.HIGH, 0.7),
    AssignedKind.TOKEN: ("token", "Token or secret key", Severity.HIGH, 0.8),
    AssignedKind.KEY: ("key", "Key", Severity.MEDIUM, 0.6),
    AssignedKind.SALT: ("salt", "Fixed salt or nonce", Severity.LOW, 0.6),
}


def find_secrets(text: str, path: str, *, is_time_up: Callable[[], bool] = lambda: False) -> Iterator[SecretMatch]:
    """Yield the secrets of a whole file in order of their lines, one for each place; stop early when time is up."""
    line, counted, done = 1, 0, 0
    for start, end in _pieces(text):
        if is_time_up():
            return
        places = sorted(_in_piece(text[start:end], path), key=lambda place: (place[0], -place[4]))
        for begin, finish, rule, (kind, severity), confidence in places:
            if start + begin < done:
                continue  # lies in what was reported, by a better rule or from the piece before
            line += text.count("\n", counted, start + begin)
            counted, done = start + begin, start + finish
            yield SecretMatch(
                rule=rule,
                kind=kind,
                severity=severity,
                confidence=confidence,
                start=start + begin,
                end=start + finish,
                line=line,
                allowed_at=_allowed_at(text, start + begin, line),
            )


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Cut the text: at line ends where there are any."""
    start = 0
    while start < len(text):
        end = min(start + _PIECE, len(text))
        if end == len(text):
            yield start, end
            return
        at_line = text.rfind("\n", start, end) + 1
        if at_line > start + _OVERLAP:
            yield start, end if end == len(text) else at_line
            start = at_line
        else:
            yield start, end
            start = end - _OVERLAP


def _in_piece(text: str, path: str) -> Iterator[tuple[int, int, str, tuple[str, Severity], float]]:
    for found in find_formats(text):
        rule = rule_of(found.pattern.id)
        if rule is not None and rule.accepts(text[found.start : found.end]):
            yield found.start, found.end, found.pattern.id, (found.pattern.title, rule.severity), 0.95
    for given in find_assignments(text, path):
        name, kind, severity, confidence = _ASSIGNED[given.kind]
        if given.is_doubtful:
            severity, confidence = Severity.LOW, confidence - 0.2
        yield given.start, given.end, name, (kind, severity), confidence


def _allowed_at(text: str, position: int, line: int) -> int | None:
    """Look for an excuse on the line, or the one before that excuses the next."""
    begin = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    here = text[max(begin, position - 500) : min(end if end >= 0 else len(text), position + 1_000)]
    if _ALLOWED.search(here):
        return line
    above = text[max(0, begin - 200) : max(0, begin - 1)].rpartition("\n")[2]
    return line - 1 if "nextline" in above and _ALLOWED.search(above) else None
