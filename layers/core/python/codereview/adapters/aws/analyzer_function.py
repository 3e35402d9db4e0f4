"""Calls the analyzer function: the engines run where there is no network, no permission and no other tenant's data."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import translated
from codereview.domain.analysis import WIRE_VERSION, AnalyzeRequest, FileOnWire, as_event, path_bytes, read_answer
from codereview.domain.outline import Span
from codereview.errors import PermanentError
from codereview.model_ports import AnalyzerReport, SourceFile

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

# Lambda takes at most 6,291,456 bytes (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html); a
# million are left for what is estimated here.
_MAX_REQUEST = 5_000_000
_FILE_OVERHEAD = 64  # bytes of JSON around one file
_ATTEMPTS = 2


class LambdaAnalyzers:
    """Fulfils model_ports.Analyzers by the function's name or ARN.

    The client should have read_timeout above the function's own timeout, and no retries.
    """

    def __init__(self, client: "LambdaClient", function: str) -> None:
        """Call `function`."""
        self._client = client
        self._function = function

    def analyze(self, files: Sequence[SourceFile], engines: Sequence[str]) -> AnalyzerReport:
        """Run the named engines over the files, in as many calls as their size needs.

        A file that fits no call, and a batch on which the function dies twice, are reported in `failed`: whoever can
        write such a file shall not be able to stop the review. Raises ThrottledError, RetryableError (unreachable, 5xx)
        and PermanentError (no such function, not permitted, contract broken).
        """
        small = [file for file in files if _size(file) <= _MAX_REQUEST]
        reports = [self._call(batch, engines) for batch in _batches(small)]
        large = [file for file in files if _size(file) > _MAX_REQUEST]
        if large:
            reason = f"not checked, being too large: {_shown(large[0].path)}"
            reason += f" and {len(large) - 1} more" if len(large) > 1 else ""
            reports.append(_failure(engines, reason))
        return _merged(reports)

    def _call(self, files: Sequence[SourceFile], engines: Sequence[str]) -> AnalyzerReport:
        request = AnalyzeRequest(
            version=WIRE_VERSION,
            engines=tuple(engines),
            files=tuple(FileOnWire(path=path_bytes(file.path), content=file.content) for file in files),
        )
        payload = json.dumps(as_event(request)).encode()
        death: Mapping[str, Any] = {}
        for _ in range(_ATTEMPTS):
            data, has_died = self._invoke(payload)
            if not has_died:
                return _report(data, files)
            death = _death(data)
            if death.get("errorType") == PermanentError.__name__:
                raise PermanentError(f"the analyzer function refuses the request: {death.get('errorMessage')}")
        # The message may speak of the files; the type is enough for people, and the function's own log has the rest.
        return _failure(engines, f"the analyzer function failed: {death.get('errorType', 'unknown')}")

    def _invoke(self, payload: bytes) -> tuple[bytes, bool]:
        """Return what the function said, and whether it was its death that Lambda tells of."""
        try:
            response = self._client.invoke(
                FunctionName=self._function, InvocationType="RequestResponse", Payload=payload
            )
            return response["Payload"].read(), "FunctionError" in response
        except (ClientError, BotoCoreError) as error:
            raise translated("Lambda", error) from error


def _size(file: SourceFile) -> int:
    """Return the bytes that the file takes in a request, rounded up."""
    return (len(path_bytes(file.path)) + len(file.content)) * 4 // 3 + 8 + _FILE_OVERHEAD


def _batches(files: Sequence[SourceFile]) -> Iterator[Sequence[SourceFile]]:
    """Cut the files, in their order, into requests of at most _MAX_REQUEST bytes."""
    batch: list[SourceFile] = []
    size = 0
    for file in files:
        if batch and size + _size(file) > _MAX_REQUEST:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += _size(file)
    if batch:
        yield batch


def _report(data: bytes, files: Sequence[SourceFile]) -> AnalyzerReport:
    """Read an answer; a candidate's path is ours, by number."""
    answer = read_answer(data)
    numbers = [*(item.file for item in answer.candidates), *(item.file for item in answer.outlines)]
    if not all(0 <= number < len(files) for number in numbers):
        raise PermanentError("the analyzer function speaks of a file that it was not given")
    return AnalyzerReport(
        candidates=tuple(replace(item.candidate, path=files[item.file].path) for item in answer.candidates),
        versions=answer.versions,
        failed=answer.failed,
        outlines={
            files[item.file].path: tuple(Span(first, last) for first, last in item.spans) for item in answer.outlines
        },
    )


def _death(data: bytes) -> Mapping[str, Any]:
    """Read what Lambda says about a function that raised or died."""
    try:
        said = json.loads(data)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _failure(engines: Sequence[str], reason: str) -> AnalyzerReport:
    return AnalyzerReport(candidates=(), failed=dict.fromkeys(engines, reason))


def _merged(reports: Sequence[AnalyzerReport]) -> AnalyzerReport:
    """Join the reports of several calls."""
    versions: dict[str, str] = {}
    failed: dict[str, str] = {}
    for report in reports:
        versions.update(report.versions)
        for engine, reason in report.failed.items():
            failed[engine] = f"{failed[engine]}; {reason}" if engine in failed else reason
    candidates = tuple(candidate for report in reports for candidate in report.candidates)
    outlines = {path: spans for report in reports for path, spans in report.outlines.items()}
    return AnalyzerReport(candidates=candidates, versions=versions, failed=failed, outlines=outlines)


def _shown(path: str) -> str:
    return path_bytes(path).decode(errors="replace")
