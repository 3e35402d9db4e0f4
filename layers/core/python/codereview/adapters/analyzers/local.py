"""Runs engines by name in this process's sandbox; one that fails is part of the report."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from codereview.adapters.analyzers.engine import Engine, EngineError
from codereview.adapters.analyzers.functions import functions_of
from codereview.adapters.analyzers.ruff import RuffEngine
from codereview.adapters.analyzers.secrets import SecretsEngine
from codereview.adapters.analyzers.unicode import UnicodeEngine
from codereview.domain.analysis import FUNCTIONS
from codereview.model_ports import AnalyzerReport, SourceFile

if TYPE_CHECKING:
    from codereview.domain.finding import Candidate
    from codereview.domain.outline import Span

# What an engine may die of on input that nobody thought of; bugs of any other kind shall be seen.
_DEATHS = (EngineError, OSError, MemoryError, RecursionError)


class LocalAnalyzers:
    """Fulfils model_ports.Analyzers with the engines it was given."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        """Offer these engines under their names."""
        self._engines = dict(engines)

    @property
    def names(self) -> tuple[str, ...]:
        """The engines on offer."""
        return tuple(self._engines)

    def analyze(self, files: Sequence[SourceFile], engines: Sequence[str]) -> AnalyzerReport:
        """Run the named engines over the files, one after the other: they share two cores at best."""
        candidates: list[Candidate] = []
        versions: dict[str, str] = {}
        failed: dict[str, str] = {}
        outlines: Mapping[str, tuple[Span, ...]] = {}
        for name in dict.fromkeys(engines):
            engine = self._engines.get(name)
            if name == FUNCTIONS:
                try:
                    outlines = functions_of(files)
                except _DEATHS as error:
                    failed[name] = str(error) or type(error).__name__
                continue
            if engine is None:
                failed[name] = "no such engine here"
                continue
            try:
                versions[name] = engine.version()
                report = engine.analyze(files)
            except _DEATHS as error:
                failed[name] = str(error) or type(error).__name__
                continue
            candidates.extend(report.candidates)
            if report.problem is not None:
                failed[name] = report.problem
        return AnalyzerReport(candidates=tuple(candidates), versions=versions, failed=failed, outlines=outlines)


def local_analyzers() -> LocalAnalyzers:
    """Set up every engine that this package has, under the names of their agents.

    Together they take at most 55 s, which the analyzer function's timeout must leave them.
    """
    return LocalAnalyzers({"ruff": RuffEngine(), "secrets": SecretsEngine(), "unicode": UnicodeEngine()})
