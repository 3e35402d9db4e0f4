"""The agent for what a linter proves about Python."""

from pathlib import PurePosixPath

from codereview.agents.agent import AnalyzerAgent, on_added_lines, select_files
from codereview.domain.change import Change

_SUFFIXES = {".py", ".pyi", ".pyw"}


def _python(change: Change) -> Change:
    """Select Python files, and those without a suffix: the engine looks for an interpreter line in them."""
    return select_files(change, lambda file: PurePosixPath(file.path).suffix.lower() in _SUFFIXES | {""})


RUFF = AnalyzerAgent(
    name="ruff",
    purpose="Bugs and security problems in Python that ruff's rules prove; nothing about style.",
    engine="ruff",
    select=_python,
    keep=on_added_lines,
)
