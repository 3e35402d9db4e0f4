"""Tells where the functions of files are, by tree-sitter's grammars: what models are shown around a change.

The grammars are a million lines of C that read strangers' files, so they run in a process of their own: one that dies
or never ends costs the review its context and nothing else.
"""

import json
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from codereview.adapters.analyzers.confinement import Limits, run_confined
from codereview.adapters.analyzers.engine import EngineError
from codereview.adapters.analyzers.outliner import LANGUAGES
from codereview.domain.outline import Span
from codereview.model_ports import SourceFile

# Of a larger file the functions are small beside the file, and somebody's generator wrote most such files.
_LARGEST_FILE = 1_000_000  # bytes
_MOST_SPANS = 5_000  # of one file
_LIMITS = Limits(seconds=5.0)


def functions_of(files: Sequence[SourceFile], *, limits: Limits = _LIMITS) -> Mapping[str, tuple[Span, ...]]:
    """Return the functions of each file in a language that is known, in order; raises EngineError if that fails."""
    known = [
        file
        for file in files
        if PurePosixPath(file.path).suffix.lower() in LANGUAGES and len(file.content) <= _LARGEST_FILE
    ]
    if not known:
        return {}
    package = find_spec("ast_grep_py")
    if package is None or package.origin is None:
        raise EngineError("ast-grep is not installed")
    with tempfile.TemporaryDirectory(prefix="functions-") as folder:
        directory = Path(folder)
        names = []
        for number, file in enumerate(known):
            names.append(f"{number}{PurePosixPath(file.path).suffix.lower()}")
            (directory / names[-1]).write_bytes(file.content)
        (directory / "names").write_text("\n".join(names), encoding="ascii")
        script = Path(__file__).with_name("outliner.py")
        # -I: nothing of the folder or the environment is imported. The interpreter may need its own library's folder.
        command = [sys.executable, "-I", "-S", str(script), str(Path(package.origin).parents[1])]
        library = sysconfig.get_config_var("LIBDIR")
        completed = run_confined(
            command, directory=directory, limits=limits, variables={"LD_LIBRARY_PATH": library} if library else {}
        )
    if completed.status != 0:
        raise EngineError(f"ended with status {completed.status}")
    return _spans(completed.output, known)


def _spans(output: bytes, files: Sequence[SourceFile]) -> Mapping[str, tuple[Span, ...]]:
    """Read what the process printed, a line of JSON for each file; what reads strangers' files may print anything."""
    try:
        found: list[Any] = [json.loads(line) for line in output.splitlines()]
        return {
            file.path: tuple(Span(int(first), int(last)) for first, last in spans[:_MOST_SPANS])
            for file, spans in zip(files, found, strict=True)
            if spans
        }
    except (ValueError, TypeError, RecursionError) as error:
        raise EngineError("printed something else than functions") from error
