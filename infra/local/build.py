"""Build the functions and layers with `sam`, once for each state of their sources.

`python -m local.build` does it by hand; the launcher does it on every start and mostly finds it done.
"""

import fcntl
import hashlib
import json
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from local.checkout import LOCAL, ROOT, child_environment
from local.environments import ensure_environment
from local.processes import Processes

_CACHE = LOCAL / "cache" / "build"
_COMPLETE = "complete"  # the marker of a build that came to its end
_KEPT_BUILDS = 3
_IGNORED = frozenset({"__pycache__", ".aws-sam", "node_modules", ".mypy_cache", ".ruff_cache"})


def architecture() -> str:
    """Return this machine's architecture as Lambda calls it."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def build(processes: Processes, template: Path = ROOT / "template.yaml") -> Path:
    """Return the built template, whose functions and layers lie beside it.

    The build is named by the checksum of everything that it is made from, so an unchanged checkout starts
    without `sam build`, and a build of another state is never taken for this one.
    """
    folder = _CACHE / _fingerprint(template)
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / _COMPLETE).is_file():
            run_sam(
                processes,
                "build",
                *("--template-file", str(template), "--build-dir", str(folder)),
                *("--cached", "--cache-dir", str(_CACHE / "sam")),
                *("--parameter-overrides", f"Architecture={architecture()}"),
                environment={"ARCHITECTURE": architecture()},  # the layers' makefiles see no parameters
            )
            (folder / _COMPLETE).touch()
            _forget_old_builds()
    return folder / "template.yaml"


def run_sam(processes: Processes, *arguments: str, environment: Mapping[str, str]) -> None:
    """Run one `sam` command in the checkout; raise `RuntimeError` with its output when it fails."""
    sam = ensure_environment("sam") / "sam"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=_CACHE, prefix="sam.") as scratch:
        own = {
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.2",
            "TMPDIR": scratch,
            "UV": str(Path(sys.executable).with_name("uv")),  # what the layers' makefiles install with
        }
        processes.run(
            [sam, *arguments],
            environment=child_environment(own | dict(environment)),
            folder=ROOT,
            log=Path(scratch) / "output",
        )


def _fingerprint(template: Path) -> str:
    digest = hashlib.sha256(json.dumps([architecture(), platform.python_version()]).encode())
    for path in sorted(_sources(template)):
        digest.update(f"{path.relative_to(path.anchor)}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _sources(template: Path) -> Iterator[Path]:
    """Yield every file that a build can depend on: of the checkout, or beside a test's template."""
    yield template
    for name in ("functions", "layers", "requirements", "infra"):
        for folder, folders, files in (template.parent / name).walk():
            folders[:] = [each for each in folders if each not in _IGNORED]
            # The launcher and the stand-in lie in infra/ too, and are part of no function.
            if not folder.is_relative_to(ROOT / "infra" / "local"):
                yield from (folder / each for each in files)


def _forget_old_builds() -> None:
    finished = sorted(_CACHE.glob(f"*/{_COMPLETE}"), key=lambda marker: marker.stat().st_mtime, reverse=True)
    for marker in finished[_KEPT_BUILDS:]:
        shutil.rmtree(marker.parent, ignore_errors=True)


if __name__ == "__main__":
    with Processes([]) as processes:
        print(build(processes))
