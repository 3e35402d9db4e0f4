"""Runs the ruff binary over Python files, with our rules and never the repository's configuration.

Files are written under index names into a fresh directory, so that neither a name nor a configuration file of the
repository means anything to the program. It runs twice: with suppression comments ignored, for the findings, and with
them obeyed, to learn which of the findings a comment silences. Whether the comment may do so depends on who wrote it,
which only the agent can tell from the change: `Candidate.suppressed_at` names its line.
"""

import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError
from ruff import find_ruff_bin  # type: ignore[import-untyped] # the package ships a binary and no types

from codereview.adapters.analyzers.confinement import Limits, run_confined
from codereview.adapters.analyzers.engine import MAX_QUOTE, EngineError, EngineReport, capped
from codereview.adapters.analyzers.ruff_rules import ADVICE, NOT_IN_TESTS, SEEMS_SAFE, SEVERITIES, SYNTAX_ERROR
from codereview.domain.finding import Candidate, Severity
from codereview.domain.source_kind import is_test
from codereview.model_ports import SourceFile

_SUFFIXES = {".py": ".py", ".pyw": ".py", ".pyi": ".pyi"}
_SHEBANG = re.compile(rb"#![^\n]{0,100}\bpython[\d.]*\s*(?:-\w+\s*)*\r?\n")
_TEMPLATE = re.compile(rb"\{\{|\{%")
_LINE_BREAK = re.compile(rb"\r\n|\n|\r")
_OWN_LINE_SUPPRESSION = re.compile(rb"#\s*(?:noqa\b|ruff:\s*ignore\b)", re.IGNORECASE)
_RANGE_SUPPRESSION = re.compile(rb"#\s*ruff:\s*disable\b", re.IGNORECASE)
_FILE_SUPPRESSION = re.compile(rb"#\s*(?:ruff|flake8):\s*(?:noqa|file-ignore)\b", re.IGNORECASE)
_BINARY_PROBE = 8_000  # bytes; git calls a file binary that has a NUL in them
_UNDEFINED_EXPORT = "F822"
_FOUND_NOTHING, _FOUND_SOMETHING = 0, 1


class _Location(BaseModel):
    row: int
    column: int


class _Diagnostic(BaseModel):
    """One entry of ruff's JSON output."""

    code: str | None
    name: str | None = None
    message: str
    filename: str
    location: _Location
    noqa_row: int | None = None

    @property
    def rule(self) -> str:
        """The rule's code."""
        return self.code or SYNTAX_ERROR

    @property
    def identity(self) -> tuple[str, str, int, int]:
        """What is equal for the same finding in both runs."""
        return Path(self.filename).name, self.rule, self.location.row, self.location.column


_DIAGNOSTICS = TypeAdapter(list[_Diagnostic])


@dataclass(slots=True)
class _Batch:
    """One call's state: what was written where, and which files ruff did not survive."""

    root: Path
    deadline: float
    sources: dict[str, SourceFile]  # by index name
    lost: dict[str, str] = field(default_factory=dict)


class RuffEngine:
    """The engine `ruff`."""

    def __init__(
        self,
        binary: str | None = None,
        *,
        limits: Limits | None = None,
        total_seconds: float = 25.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Use the binary of the installed package, unless told otherwise."""
        self._given_binary = binary
        self._limits = limits or Limits()
        self._total_seconds = total_seconds
        self._monotonic = monotonic

    @cached_property
    def _binary(self) -> str:
        if self._given_binary is not None:
            return self._given_binary
        try:
            return str(find_ruff_bin())
        except FileNotFoundError as error:
            raise EngineError("the ruff binary is not installed") from error

    @cached_property
    def _version(self) -> str:
        with tempfile.TemporaryDirectory(prefix="codereview-") as root:
            done = run_confined([self._binary, "--version"], directory=Path(root), limits=self._limits)
        return done.output.decode(errors="replace").removeprefix("ruff ").strip()

    def version(self) -> str:
        """Ask the binary."""
        return self._version

    def analyze(self, files: Sequence[SourceFile]) -> EngineReport:
        """Run our rules over the Python files among `files`."""
        python = [(file, suffix) for file in files if (suffix := _suffix(file)) is not None]
        if not python:
            return EngineReport(candidates=())
        with tempfile.TemporaryDirectory(prefix="codereview-") as root:
            sources = {f"{number:04}{suffix}": file for number, (file, suffix) in enumerate(python, start=1)}
            batch = _Batch(root=Path(root), deadline=self._monotonic() + self._total_seconds, sources=sources)
            _write(batch)
            found = self._check(batch, list(sources), ("--ignore-noqa",))
            rest = [name for name in sources if name not in batch.lost]
            obeyed = {diagnostic.identity for diagnostic in self._check(batch, rest, ())}
        candidates = _candidates(found, obeyed, sources)
        return capped(candidates, _problem(batch))

    def _check(self, batch: _Batch, names: list[str], options: tuple[str, ...]) -> list[_Diagnostic]:
        """Check the files together; when ruff does not survive that, look for the culprit by halves."""
        if not names:
            return []
        try:
            return self._run(batch, names, options)
        except EngineError as error:
            if len(names) == 1 or self._monotonic() >= batch.deadline:
                batch.lost.update(dict.fromkeys(names, str(error)))
                return []
        middle = len(names) // 2
        return self._check(batch, names[:middle], options) + self._check(batch, names[middle:], options)

    def _run(self, batch: _Batch, names: Sequence[str], options: tuple[str, ...]) -> list[_Diagnostic]:
        left = batch.deadline - self._monotonic()
        if left <= 0:
            raise EngineError(f"took longer than {self._total_seconds:.0f} s")
        command = [
            *(self._binary, "check", "--isolated", "--no-cache", "--no-fix", "--no-preview", "--quiet", *options),
            # The newest syntax: what an older interpreter refuses is no error to us.
            *("--target-version=py314", "--output-format=json", f"--select={','.join(SEVERITIES)}"),
            *("--", *(str(batch.root / "files" / name) for name in names)),
        ]
        with tempfile.TemporaryDirectory(prefix="run-", dir=batch.root) as directory:
            limits = replace(self._limits, seconds=min(self._limits.seconds, left))
            done = run_confined(command, directory=Path(directory), limits=limits)
        if done.status not in (_FOUND_NOTHING, _FOUND_SOMETHING):
            raise EngineError(f"ended with status {done.status}")
        try:
            return _DIAGNOSTICS.validate_json(done.output)
        except ValidationError as error:
            raise EngineError("answered something else than its documented JSON") from error


def _suffix(file: SourceFile) -> str | None:
    """Return the suffix that tells ruff the language; None for what is no Python."""
    if b"\0" in file.content[:_BINARY_PROBE]:
        return None
    suffix = _SUFFIXES.get(Path(file.path).suffix.lower())
    if suffix is None and "." not in Path(file.path).name and _SHEBANG.match(file.content):
        return ".py"
    return suffix


def _write(batch: _Batch) -> None:
    folder = batch.root / "files"
    folder.mkdir()
    for name, file in batch.sources.items():
        (folder / name).write_bytes(_as_utf8(file.content))


def _as_utf8(content: bytes) -> bytes:
    """Give ruff text that it reads: it refuses other encodings, which would hide a file behind one stray byte."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1").encode()
    return content


def _candidates(
    found: Sequence[_Diagnostic], obeyed: set[tuple[str, str, int, int]], sources: Mapping[str, SourceFile]
) -> list[Candidate]:
    """Turn diagnostics into candidates, in the order of files and lines."""
    lines = {name: _Lines(file.content) for name, file in sources.items()}
    broken: set[str] = set()  # one syntax error begets more; the first is the one to mend
    candidates: list[Candidate] = []
    for diagnostic in sorted(found, key=lambda diagnostic: diagnostic.identity[0:1] + diagnostic.identity[2:]):
        name = Path(diagnostic.filename).name
        source = sources[name]
        if not _is_wanted(diagnostic, source) or (diagnostic.rule == SYNTAX_ERROR and name in broken):
            continue
        if diagnostic.rule == SYNTAX_ERROR:
            broken.add(name)
        is_suppressed = diagnostic.identity not in obeyed and diagnostic.rule != SYNTAX_ERROR
        candidates.append(_candidate(diagnostic, source.path, lines[name], is_suppressed=is_suppressed))
    return candidates


def _is_wanted(diagnostic: _Diagnostic, source: SourceFile) -> bool:
    if diagnostic.rule == SYNTAX_ERROR:
        return not _TEMPLATE.search(source.content)
    if diagnostic.rule not in SEVERITIES or SEEMS_SAFE in diagnostic.message:
        return False
    if diagnostic.rule == _UNDEFINED_EXPORT and Path(source.path).name == "__init__.py":
        return False  # the names of modules beside it, which ruff does not see here
    return not (diagnostic.rule in NOT_IN_TESTS and is_test(source.path))


def _candidate(diagnostic: _Diagnostic, path: str, lines: "_Lines", *, is_suppressed: bool) -> Candidate:
    suppressed_at = lines.suppression(diagnostic) if is_suppressed else None
    sentences = [
        ADVICE.get(diagnostic.rule, ""),
        f"A comment in line {suppressed_at} suppresses this rule." if suppressed_at is not None else "",
        f"(ruff {diagnostic.rule}, {diagnostic.name})" if diagnostic.code and diagnostic.name else "",
    ]
    return Candidate(
        agent="ruff",
        rule=diagnostic.rule,
        severity=SEVERITIES.get(diagnostic.rule, Severity.HIGH),
        path=path,
        quote=lines.text(diagnostic.location.row),
        title=diagnostic.message,
        body=" ".join(sentence for sentence in sentences if sentence) or diagnostic.message,
        line=lines.number(diagnostic.location.row),
        suppressed_at=suppressed_at,
    )


class _Lines:
    r"""A file by ruff's rows and by git's lines, which differ: ruff also breaks at a `\r` without a `\n`."""

    def __init__(self, content: bytes) -> None:
        self._lines = content.split(b"\n")
        self._rows = _LINE_BREAK.split(content)
        self._numbers = [1]
        for found in _LINE_BREAK.finditer(content):
            self._numbers.append(self._numbers[-1] + (found.group() != b"\r"))

    def number(self, row: int) -> int:
        """Return the 1-based line, as git counts."""
        return self._numbers[min(row, len(self._numbers)) - 1]

    def text(self, row: int) -> str:
        """Return the line's text, its beginning if it is very long."""
        return self._lines[self.number(row) - 1].decode(errors="replace").rstrip("\r")[:MAX_QUOTE]

    def suppression(self, diagnostic: _Diagnostic) -> int:
        """Find the line of the comment that silences the diagnostic; its own line where the comment hides well."""
        row = diagnostic.location.row
        for near in (diagnostic.noqa_row or row, row, row - 1):
            if 1 <= near <= len(self._rows) and _OWN_LINE_SUPPRESSION.search(self._rows[near - 1]):
                return self.number(near)
        for above in range(min(row, len(self._rows)), 0, -1):
            if _RANGE_SUPPRESSION.search(self._rows[above - 1]):
                return self.number(above)
        for anywhere, text in enumerate(self._rows, start=1):
            if _FILE_SUPPRESSION.search(text):
                return self.number(anywhere)
        return self.number(row)


def _problem(batch: _Batch) -> str | None:
    """Say which files were not checked, and why."""
    if not batch.lost:
        return None
    name, reason = next(iter(batch.lost.items()))
    path = batch.sources[name].path.encode(errors="replace").decode()
    others = f" and {len(batch.lost) - 1} more" if len(batch.lost) > 1 else ""
    return f"not checked: {path}{others}: ruff {reason}"
