"""Looks for text that reads otherwise than it looks, in process."""

from collections.abc import Sequence

from codereview.adapters.analyzers.engine import MAX_CANDIDATES, MAX_QUOTE, EngineReport, capped
from codereview.domain.finding import Candidate, Severity
from codereview.domain.hidden_detection import HiddenText, Trick, find_hidden_text, named
from codereview.domain.source_kind import is_example
from codereview.model_ports import SourceFile

RULES_VERSION = "1"  # counts up with every change of what is found
_BINARY_PROBE = 8_000  # bytes; git calls a file binary that has a NUL in them
_MOST_NAMED = 4

_SEVERITIES = {
    Trick.REORDERED: Severity.HIGH,
    Trick.INVISIBLE: Severity.MEDIUM,
    Trick.LOOK_ALIKE: Severity.HIGH,
    Trick.CONTROL: Severity.LOW,
}
_TITLES = {
    Trick.REORDERED: "Hidden characters show this line in another order than it is read",
    Trick.INVISIBLE: "Invisible characters in this line",
    Trick.LOOK_ALIKE: "A word is written with letters of another alphabet",
    Trick.CONTROL: "Control characters in this line",
}
_BODIES = {
    Trick.REORDERED: "What people see here is not what the compiler reads: text can be moved out of or into a comment "
    "or a string (CVE-2021-42574). Remove the characters, or write them as escapes.",
    Trick.INVISIBLE: "Nobody can see them in a review, but programs read them: two names or values that look the same "
    "are different. Remove the characters, or write them as escapes.",
    Trick.LOOK_ALIKE: "It looks like a Latin word and is another one, so that it can stand for a name that reviewers "
    "take for a known one (CVE-2021-42694). Write it in Latin letters, unless another alphabet is meant.",
    Trick.CONTROL: "A terminal that shows this line obeys them: it can hide or replace text. Write them as escapes.",
}
_MESSAGE = " They are tag characters, which spell a text that no person sees and language models read."


class UnicodeEngine:
    """The engine `unicode`."""

    def version(self) -> str:
        """Return the rule set's version."""
        return RULES_VERSION

    def analyze(self, files: Sequence[SourceFile]) -> EngineReport:
        """Look at all files that are text."""
        candidates: list[Candidate] = []
        for file in files:
            if b"\0" in file.content[:_BINARY_PROBE]:
                continue
            text = file.content.decode(errors="replace")
            lines = text.split("\n")
            for found in find_hidden_text(text):
                candidates.append(_candidate(found, lines[found.line - 1], file.path))
                if len(candidates) > MAX_CANDIDATES:
                    return capped(candidates, None)
        return capped(candidates, None)


def _candidate(found: HiddenText, line: str, path: str) -> Candidate:
    """Say what stands there by name: neither title nor body may contain it."""
    names = ", ".join(map(named, found.characters[:_MOST_NAMED]))
    more = len(found.characters) - _MOST_NAMED
    shown = f"{names} and {more} more" if more > 0 else names
    word = f" in a word that reads `{found.word}`" if found.word else ""
    severity = Severity.HIGH if found.is_message else _SEVERITIES[found.trick]
    return Candidate(
        agent="unicode",
        rule=found.trick.value,
        severity=Severity.LOW if is_example(path) and not found.is_message else severity,
        path=path,
        quote=line.rstrip("\r")[:MAX_QUOTE],
        title=_TITLES[found.trick],
        body=f"{shown}{word}. {_BODIES[found.trick]}{_MESSAGE if found.is_message else ''}",
        line=found.line,
        confidence=0.9,
    )
