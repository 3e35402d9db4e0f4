"""The analyzer function's direct invocations as calls of the engines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger

from codereview.domain.analysis import (
    WIRE_VERSION,
    AnalyzeAnswer,
    CandidateOnWire,
    as_event,
    path_bytes,
    path_text,
    read_request,
)
from codereview.model_ports import AnalyzerReport, Analyzers, SourceFile

# Lambda answers with at most 6,291,456 bytes (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
_MAX_ANSWER = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzerApp:
    """Everything that the analyzer function holds between two calls."""

    analyzers: Analyzers
    logger: Logger

    def process(self, event: object) -> dict[str, Any]:
        """Handle one invocation: an AnalyzeRequest in, an AnalyzeAnswer out.

        Raises PermanentError on anything else; the caller recognises it by its name. Neither names of files nor
        findings are logged: both are a tenant's.
        """
        request = read_request(event)
        files = [SourceFile(path=path_text(file.path), content=file.content) for file in request.files]
        report = self.analyzers.analyze(files, request.engines)
        self.logger.info(
            "Analyzed", files=len(files), candidates=len(report.candidates), failed_engines=sorted(report.failed)
        )
        numbers = {file.path: number for number, file in reversed(list(enumerate(files)))}
        return _answer(report, numbers)


def _answer(report: AnalyzerReport, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Put the report into an answer that Lambda can carry; an engine whose candidates do not fit says so."""
    answer = as_event(
        AnalyzeAnswer(version=WIRE_VERSION, candidates=(), versions=report.versions, failed=report.failed)
    )
    answer["outlines"] = []
    answer["failed"] = {engine: _printable(reason) for engine, reason in report.failed.items()}
    room = _MAX_ANSWER
    for candidate in report.candidates:
        safe = replace(candidate, path=_printable(candidate.path))
        item = as_event(CandidateOnWire(file=numbers[candidate.path], candidate=safe))
        room -= len(json.dumps(item)) + 2
        if room < 0:
            answer["failed"][candidate.agent] = "found more than its answer can carry"
            continue
        answer["candidates"].append(item)
    for path, spans in report.outlines.items():
        outline = {"file": numbers[path], "spans": [(span.first, span.last) for span in spans]}
        room -= len(json.dumps(outline)) + 2
        if room >= 0:  # a file without is merely shown without context
            answer["outlines"].append(outline)
    return answer


def _printable(text: str) -> str:
    """Replace bytes that are no text: JSON on its way through Lambda has no room for them."""
    return path_bytes(text).decode(errors="replace")
