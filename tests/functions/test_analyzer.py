import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from codereview.adapters.analyzers.local import local_analyzers
from codereview.adapters.aws.analyzer_function import LambdaAnalyzers
from codereview.domain.finding import Candidate, Severity
from codereview.entrypoints.analyzer import AnalyzerApp
from codereview.errors import NotFoundError, PermanentError, RetryableError, ThrottledError
from codereview.model_ports import AnalyzerReport, Analyzers, SourceFile

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

PAYLOAD_LIMIT = 6_291_456
INJECTION = b"import os\n\n\ndef run(command):\n    os.system(command)\n"


class Recording:
    """Engines that find what they are told to, and remember what they were given."""

    def __init__(self, find: Callable[[SourceFile], Sequence[Candidate]] = lambda _: (), **failed: str) -> None:
        self.calls: list[list[SourceFile]] = []
        self._find = find
        self._failed = failed

    def analyze(self, files: Sequence[SourceFile], engines: Sequence[str]) -> AnalyzerReport:
        self.calls.append(list(files))
        candidates = tuple(candidate for file in files for candidate in self._find(file))
        return AnalyzerReport(candidates=candidates, versions=dict.fromkeys(engines, "1.2"), failed=self._failed)


class LambdaService:
    """AWS Lambda with one function: JSON in, JSON out, payloads at most 6 MB, exceptions as FunctionError."""

    def __init__(self, handler: Callable[[Any], Mapping[str, Any]], *, deaths: Sequence[str] = ()) -> None:
        self.invocations = 0
        self._handler = handler
        self._deaths = list(deaths)

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert (FunctionName, InvocationType) == ("analyzer:live", "RequestResponse")
        assert len(Payload) <= PAYLOAD_LIMIT
        self.invocations += 1
        if self._deaths:
            return self._died(self._deaths.pop(0), "it died")
        try:
            answer = json.dumps(self._handler(json.loads(Payload))).encode()
        except Exception as error:  # noqa: BLE001 - as Lambda does
            return self._died(type(error).__name__, str(error))
        assert len(answer) <= PAYLOAD_LIMIT
        return {"StatusCode": 200, "Payload": io.BytesIO(answer)}

    @staticmethod
    def _died(kind: str, message: str) -> dict[str, Any]:
        said = json.dumps({"errorType": kind, "errorMessage": message}).encode()
        return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": io.BytesIO(said)}

    def analyzers(self) -> LambdaAnalyzers:
        return LambdaAnalyzers(cast("LambdaClient", self), "analyzer:live")


def service(analyzers: Analyzers, *, deaths: Sequence[str] = (), log: io.StringIO | None = None) -> LambdaService:
    app = AnalyzerApp(analyzers=analyzers, logger=logger(log or io.StringIO()))
    return LambdaService(app.process, deaths=deaths)


def logger(stream: io.StringIO) -> Logger:
    """Powertools keeps one logger for each name; a name of its own gives each test its own stream."""
    return Logger(service=f"test-{id(stream)}", stream=stream)


def candidate(file: SourceFile, **changes: Any) -> Candidate:
    fields: dict[str, Any] = {
        "agent": "ruff",
        "rule": "R1",
        "severity": Severity.LOW,
        "path": file.path,
        "quote": "x",
        "title": "t",
    }
    return Candidate(**(fields | {"body": "b", "line": 1} | changes))


def test_the_engines_answer_through_the_function() -> None:
    files = [SourceFile(path="src/run.py", content=INJECTION), SourceFile(path="a.txt", content=b"\xff\0")]
    report = service(local_analyzers()).analyzers().analyze(files, ["ruff", "secrets"])
    (found,) = report.candidates
    assert (found.path, found.line, found.rule, found.quote) == ("src/run.py", 5, "S605", "    os.system(command)")
    assert set(report.versions) == {"ruff", "secrets"}
    assert report.failed == {}


@given(
    st.lists(
        st.tuples(st.binary(min_size=1, max_size=12), st.binary(max_size=40)),
        max_size=5,
        unique_by=lambda item: item[0],
    ),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40),
)
def test_paths_contents_and_findings_arrive_as_they_were_sent(items: list[tuple[bytes, bytes]], quote: str) -> None:
    files = [SourceFile(path=path.decode(errors="surrogateescape"), content=content) for path, content in items]
    engines = Recording(lambda file: [candidate(file, quote=quote, confidence=0.5, suppressed_at=3)], ruff="half")
    report = service(engines).analyzers().analyze(files, ["ruff"])
    assert engines.calls == ([files] if files else [])
    assert report.candidates == tuple(candidate(file, quote=quote, confidence=0.5, suppressed_at=3) for file in files)
    assert report.failed == ({"ruff": "half"} if files else {})


def test_files_beyond_the_payload_limit_go_in_several_calls_in_their_order() -> None:
    files = [SourceFile(path=f"{number}.py", content=b"x" * 1_500_000) for number in range(5)]
    engines = Recording(lambda file: [candidate(file)])
    report = service(engines).analyzers().analyze(files, ["ruff"])
    assert [len(call) for call in engines.calls] == [2, 2, 1]
    assert [found.path for found in report.candidates] == [file.path for file in files]


def test_a_file_that_fits_no_call_is_named_and_the_others_are_analyzed() -> None:
    files = [SourceFile(path="big\udcff.py", content=b"x" * 4_000_000), SourceFile(path="a.py", content=b"")]
    engines = Recording()
    report = service(engines).analyzers().analyze(files, ["ruff", "secrets"])
    assert engines.calls == [[files[1]]]
    assert report.failed == dict.fromkeys(["ruff", "secrets"], "not checked, being too large: big\ufffd.py")


def test_findings_beyond_the_payload_limit_are_left_out_and_said() -> None:
    engines = Recording(lambda file: [candidate(file, body="\u2603" * 1_000)] * 2_000)
    report = service(engines).analyzers().analyze([SourceFile(path="a.py", content=b"")], ["ruff"])
    assert 500 < len(report.candidates) < 2_000
    assert report.failed == {"ruff": "found more than its answer can carry"}


def test_a_function_that_dies_once_is_asked_again() -> None:
    world = service(Recording(lambda file: [candidate(file)]), deaths=["Runtime.ExitError"])
    report = world.analyzers().analyze([SourceFile(path="a.py", content=b"")], ["ruff"])
    assert (world.invocations, len(report.candidates), report.failed) == (2, 1, {})


def test_a_function_that_dies_twice_fails_its_engines_but_not_the_review() -> None:
    files = [SourceFile(path=f"{number}.py", content=b"x" * 3_000_000) for number in range(2)]
    world = service(Recording(lambda file: [candidate(file)]), deaths=["Sandbox.Timedout", "Runtime.OutOfMemory"])
    report = world.analyzers().analyze(files, ["ruff", "secrets"])
    assert [found.path for found in report.candidates] == ["1.py"]
    assert report.failed == dict.fromkeys(["ruff", "secrets"], "the analyzer function failed: Runtime.OutOfMemory")


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "x",
        {},
        {"version": 2, "engines": [], "files": []},
        {"version": 1, "engines": "ruff", "files": []},
        {"version": 1, "engines": [], "files": [{"path": "YQ==", "content": "*"}]},
        {"version": 1, "engines": [], "files": [{"path": "YQ==", "content": None}]},
        {"version": 1, "engines": [], "files": [{"path": 7, "content": ""}]},
        {"version": 1, "engines": [1], "files": []},
    ],
    ids=json.dumps,
)
def test_b89_an_event_that_is_no_request_is_refused_for_good(event: object) -> None:
    app = AnalyzerApp(analyzers=Recording(), logger=logger(io.StringIO()))
    with pytest.raises(PermanentError, match="not a request to the analyzers"):
        app.process(event)


def test_b89_unknown_fields_are_ignored_since_versions_meet_during_a_deployment() -> None:
    event = {
        "version": 1,
        "engines": ["ruff"],
        "files": [{"path": base64.b64encode(b"a.py").decode(), "content": "", "mode": "100644"}],
        "trace": "x",
    }
    answer = AnalyzerApp(analyzers=Recording(), logger=logger(io.StringIO())).process(event)
    assert answer == {"version": 1, "candidates": [], "versions": {"ruff": "1.2"}, "failed": {}, "outlines": []}


def test_a_refused_request_is_not_repeated() -> None:
    def refuse(_: object) -> Mapping[str, Any]:
        raise PermanentError("not a request to the analyzers: 1 problems")

    world = LambdaService(refuse)
    with pytest.raises(PermanentError, match="refuses the request"):
        world.analyzers().analyze([SourceFile(path="a.py", content=b"")], ["ruff"])
    assert world.invocations == 1


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"version": 1, "candidates": [{}], "versions": {}, "failed": {}},
        {"version": 1, "candidates": None, "versions": {}, "failed": {}},
    ],
    ids=json.dumps,
)
def test_an_answer_that_is_none_is_refused(answer: Any) -> None:
    with pytest.raises(PermanentError, match="not an answer of the analyzers"):
        LambdaService(lambda _: answer).analyzers().analyze([SourceFile(path="a.py", content=b"")], ["ruff"])


def test_an_answer_about_another_file_is_refused() -> None:
    file = SourceFile(path="a.py", content=b"")
    honest = service(Recording(lambda file: [candidate(file)]))

    def lie(event: Any) -> Mapping[str, Any]:
        answer = dict(honest._handler(event))
        answer["candidates"][0]["file"] = 1
        return answer

    with pytest.raises(PermanentError, match="a file that it was not given"):
        LambdaService(lie).analyzers().analyze([file], ["ruff"])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke"), ThrottledError),
        (ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke"), NotFoundError),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "Invoke"), PermanentError),
        (
            ClientError(
                {"Error": {"Code": "ServiceException"}, "ResponseMetadata": {"HTTPStatusCode": 500}},  # type: ignore[typeddict-item]
                "Invoke",
            ),
            RetryableError,
        ),
        (ReadTimeoutError(endpoint_url="https://lambda"), RetryableError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_lambdas_errors_are_told_apart(error: Exception, expected: type[Exception]) -> None:
    class Failing(LambdaService):
        def invoke(self, **_: object) -> dict[str, Any]:
            raise error

    with pytest.raises(expected) as raised:
        Failing(lambda _: {}).analyzers().analyze([SourceFile(path="a.py", content=b"")], ["ruff"])
    assert raised.value.__cause__ is error


def test_neither_files_nor_findings_are_logged() -> None:
    log = io.StringIO()
    engines = Recording(
        lambda file: [candidate(file, title="CANARY-title", quote="CANARY-quote")], ruff="CANARY-reason"
    )
    files = [SourceFile(path="CANARY-path.py", content=b"CANARY-content")]
    service(engines, log=log).analyzers().analyze(files, ["ruff"])
    logged = log.getvalue()
    assert '"candidates":1' in logged.replace(" ", "")
    assert "CANARY" not in logged


def test_no_files_need_no_call() -> None:
    world = service(Recording())
    assert world.analyzers().analyze([], ["ruff"]) == AnalyzerReport(candidates=())
    assert world.invocations == 0


def test_the_handler_answers_with_the_engines_of_its_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    from codereview.bootstrap.analyzer import analyzer
    from functions.analyzer.handler import handle

    monkeypatch.setenv("STAGE", "local")
    analyzer.cache_clear()
    event = {
        "version": 1,
        "engines": ["ruff", "secrets"],
        "files": [{"path": base64.b64encode(b"run.py").decode(), "content": base64.b64encode(INJECTION).decode()}],
    }
    answer = handle(event, LambdaContext())
    analyzer.cache_clear()
    assert [(item["file"], item["candidate"]["rule"]) for item in answer["candidates"]] == [(0, "S605")]
    assert set(answer["versions"]) == {"ruff", "secrets"}
