"""`codereview analyze`: the analyzers alone, on whole files, without a change and without AWS."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from codereview.adapters.analyzers.local import local_analyzers
from codereview.domain.finding import Finding
from codereview.domain.result import ReviewResult, RunStatus
from codereview.domain.sarif import sarif
from codereview.model_ports import SourceFile
from codereview.use_cases.analyze_files import AnalyzeFiles

_SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn", "node_modules", ".venv", "__pycache__", ".tox", ".mypy_cache"})
_MAX_FILE = 20 << 20  # bytes; larger ones are data, and are named on stderr
_ENGINES = ("ruff", "secrets", "unicode")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--format", "output_format", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True
)
@click.option("--engine", "engines", multiple=True, type=click.Choice(_ENGINES), help="Run only these; repeatable.")
@click.pass_context
def analyze(context: click.Context, paths: tuple[Path, ...], output_format: str, engines: tuple[str, ...]) -> None:
    r"""Run the analyzers on files, or on all files of folders (symbolic links are not followed).

    \b
    Exit code: 0 when everything was analyzed, whether or not something was found;
    1 when an engine or a file failed, said on stderr: what was found is printed all the same;
    2 when the command line is wrong.
    """
    problems: list[str] = []
    result = AnalyzeFiles(analyzers=local_analyzers())(_files(paths, problems), engines or _ENGINES)
    problems += [f"{run.agent}: {run.reason}" for run in result.runs if run.status is RunStatus.FAILED]
    click.echo(_rendered(result, output_format), nl=output_format != "text")
    for problem in problems:
        click.echo(f"Not analyzed: {problem}", err=True)
    context.exit(1 if problems else 0)


def _rendered(result: ReviewResult, output_format: str) -> str:
    if output_format == "sarif":
        return json.dumps(sarif(result), indent=2)
    if output_format == "json":
        return json.dumps([_as_json(finding) for finding in result.findings], indent=2)
    return "".join(
        f"{_printable(finding.path)}:{_line(finding)}: {finding.candidate.severity} "
        f"{_printable(finding.candidate.title)} [{finding.candidate.agent} {finding.candidate.rule}]\n"
        for finding in result.findings
    )


def _as_json(finding: Finding) -> dict[str, Any]:
    """Say what a finding is; the quoted line stays out, since it may hold the secret that was found."""
    item: dict[str, Any] = {"path": os.fsencode(finding.path).decode(errors="replace"), "line": _line(finding)}
    if finding.anchor is not None and finding.anchor.start_line is not None:
        item["start_line"] = finding.anchor.start_line
    candidate = finding.candidate
    return item | {
        "agent": candidate.agent,
        "rule": candidate.rule,
        "severity": str(candidate.severity),
        "title": candidate.title,
        "body": candidate.body,
        "fingerprint": finding.fingerprint,
    }


def _line(finding: Finding) -> int:
    return finding.anchor.line if finding.anchor is not None else 1


def _printable(text: str) -> str:
    """Keep file names and code from steering the terminal."""
    shown = os.fsencode(text).decode(errors="replace")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in shown)


def _files(paths: Sequence[Path], problems: list[str]) -> Iterator[SourceFile]:
    """Read the files one after the other, each once; what cannot be read becomes a problem."""
    seen: set[Path] = set()
    for path in paths:
        for file in _walk(path) if path.is_dir() else [path]:
            if file in seen:
                continue
            seen.add(file)
            try:
                if file.stat().st_size > _MAX_FILE:
                    problems.append(f"{_printable(str(file))}: larger than {_MAX_FILE >> 20} MB")
                    continue
                yield SourceFile(path=file.as_posix(), content=file.read_bytes())
            except OSError as error:
                problems.append(f"{_printable(str(file))}: {error.strerror}")


def _walk(folder: Path) -> Iterator[Path]:
    """List a folder's files in a stable order; links stay unopened: what they point to may be outside."""
    for parent, folders, names in folder.walk(follow_symlinks=False):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS)
        for name in sorted(names):
            file = parent / name
            if file.is_file() and not file.is_symlink():
                yield file
