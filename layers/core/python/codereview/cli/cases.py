"""Reads the cases of an evaluation: folders with a diff or a git range, and the findings that are expected."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from codereview.cli.checkout import Checkout
from codereview.errors import CodeReviewError
from codereview.evaluation.case import Case, case_of_diff
from codereview.evaluation.golden import MalformedCaseError, read_golden

_DIFF, _RANGE, _GOLDEN = "pr.diff", "case.json", "golden.json"


def case_folders(folder: Path) -> Iterator[Path]:
    """Find the cases at or below a folder, by name; nothing inside of a case is looked at."""
    if any((folder / name).is_file() for name in (_DIFF, _RANGE, _GOLDEN)):
        yield folder
        return
    for child in sorted(folder.iterdir()):
        if child.is_dir() and not child.is_symlink() and not child.name.startswith("."):
            yield from case_folders(child)


def read_case(folder: Path, root: Path) -> Case:
    """Read a case; raises MalformedCaseError, which names the case, the file and the field."""
    name = folder.relative_to(root).as_posix() if folder != root else root.resolve().name
    try:
        golden = read_golden(_text(folder / _GOLDEN))
        if (folder / _DIFF).is_file():
            return case_of_diff(name, (folder / _DIFF).read_bytes(), golden)
        base, head, checkout = _range(folder)
        change = checkout.change(base, head)
    except (CodeReviewError, OSError) as error:
        raise MalformedCaseError(f"{name}: {error}") from error

    def head_files(paths: Sequence[str]) -> Mapping[str, bytes | None]:
        return {path: checkout.content(path, change.head_sha) for path in paths}

    return Case(
        name=name,
        diff=checkout.diff(change.base_sha, change.head_sha),
        change=change,
        golden=golden,
        head_files=head_files,
        attributes=checkout.content(".gitattributes", change.base_sha),
    )


def _range(folder: Path) -> tuple[str, str, Checkout]:
    """Read `{"repo": PATH, "base": REF, "head": REF}`; the path counts from the case's folder."""
    try:
        document: Any = json.loads(_text(folder / _RANGE))
    except (ValueError, RecursionError) as error:
        raise MalformedCaseError(f"{_RANGE}: not JSON") from error
    if not isinstance(document, dict):
        raise MalformedCaseError(f"{_RANGE}: not an object")
    for field in ("repo", "base", "head"):
        if not isinstance(document.get(field), str) or not document[field]:
            raise MalformedCaseError(f"{_RANGE}: `{field}` is missing or no text")
    return document["base"], document["head"], Checkout(folder=folder / document["repo"])


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedCaseError(f"{file.name}: not UTF-8") from error
    except OSError as error:
        raise MalformedCaseError(f"{file.name}: {error.strerror}") from error
