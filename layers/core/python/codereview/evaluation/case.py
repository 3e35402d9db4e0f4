"""A change whose findings are known, and what can be made of a diff where the files themselves are not there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codereview.domain.change import Change, FileChange, FileStatus
from codereview.domain.diff import parse_diff
from codereview.errors import PermanentError
from codereview.evaluation.golden import Golden, MalformedCaseError
from codereview.model_ports import HeadFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One change; `diff` is what git printed, `attributes` the base's .gitattributes."""

    name: str
    diff: bytes
    change: Change
    golden: tuple[Golden, ...]
    head_files: HeadFiles
    attributes: bytes | None = None


def case_of_diff(name: str, diff: bytes, golden: tuple[Golden, ...]) -> Case:
    """Make a case of a diff alone: of new files all lines are known, of the others none; raises MalformedCaseError."""
    if diff and not diff.endswith(b"\n"):
        diff += b"\n"  # lost on the way through some editor or shell
    try:
        files = parse_diff(diff)
    except PermanentError as error:
        raise MalformedCaseError(f"pr.diff: {error}") from error
    change = Change(base_sha="0" * 40, head_sha="1" * 40, files=files, file_count=len(files))
    contents = {file.path: _content(file) for file in files if file.status is FileStatus.ADDED and file.hunks}

    def head_files(paths: Sequence[str]) -> Mapping[str, bytes | None]:
        return {path: contents.get(path) for path in paths}

    return Case(name=name, diff=diff, change=change, golden=golden, head_files=head_files)


def _content(file: FileChange) -> bytes:
    return b"".join(row.text + b"\n" * row.has_newline for hunk in file.hunks for row in hunk.rows)
