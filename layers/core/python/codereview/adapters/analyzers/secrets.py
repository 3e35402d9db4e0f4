"""Looks for secrets in every text file, in process: the rules are ours, nothing of the repository is run."""

import time
from collections.abc import Callable, Sequence

from codereview.adapters.analyzers.engine import MAX_CANDIDATES, MAX_QUOTE, EngineReport, capped
from codereview.domain.finding import Candidate
from codereview.domain.secret_detection import SecretMatch, find_secrets
from codereview.model_ports import SourceFile

RULES_VERSION = "1"  # counts up with every change of what is found
_BINARY_PROBE = 8_000  # bytes; git calls a file binary that has a NUL in them


class SecretsEngine:
    """The engine `secrets`."""

    def __init__(self, *, total_seconds: float = 20.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Look for at most `total_seconds` at all files of a call."""
        self._total_seconds = total_seconds
        self._monotonic = monotonic

    def version(self) -> str:
        """Return the rule set's version."""
        return RULES_VERSION

    def analyze(self, files: Sequence[SourceFile]) -> EngineReport:
        """Look at all files that are text."""
        deadline = self._monotonic() + self._total_seconds
        candidates: list[Candidate] = []
        unseen = 0
        for file in files:
            if b"\0" in file.content[:_BINARY_PROBE]:
                continue
            # One character for each byte that is no UTF-8; lines and quotes stay what the renderer shows.
            text = file.content.decode(errors="replace")
            for found in find_secrets(text, file.path, is_time_up=lambda: self._monotonic() >= deadline):
                candidates.append(_candidate(found, text, file.path))
                if len(candidates) > MAX_CANDIDATES:
                    return capped(candidates, None)
            unseen += self._monotonic() >= deadline
        problem = (
            f"took longer than {self._total_seconds:.0f} s: {unseen} files not wholly searched" if unseen else None
        )
        return capped(candidates, problem)


def _candidate(found: SecretMatch, text: str, path: str) -> Candidate:
    """Say what kind of secret stands there; neither title nor body may contain any of it."""
    advice = (
        "Whoever can read the repository, now or later, can use it. Revoke it, and have the program read its successor "
        "from the environment or a secret store; deleting the line does not take it out of the history."
    )
    if found.rule == "salt":
        advice = "A value that is the same everywhere protects nothing. Draw it at random for each use."
    excuse = f" A comment in line {found.allowed_at} excuses it." if found.allowed_at is not None else ""
    return Candidate(
        agent="secrets",
        rule=found.rule,
        severity=found.severity,
        path=path,
        quote=_quote(text, found),
        title=f"{found.kind} in the source",
        body=advice + excuse,
        line=found.line,
        confidence=found.confidence,
        suppressed_at=found.allowed_at,
    )


def _quote(text: str, found: SecretMatch) -> str:
    """Return the line, of a long one the part around the secret."""
    begin = text.rfind("\n", 0, found.start) + 1
    end = text.find("\n", found.start)
    end = len(text) if end < 0 else end
    if end - begin > MAX_QUOTE:
        begin = max(begin, min(found.start, found.end) - 40)
        end = min(end, max(begin + MAX_QUOTE, found.end))
    return text[begin:end].rstrip("\r")
