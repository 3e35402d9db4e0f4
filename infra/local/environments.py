"""Virtual environments of the tools: made when missing or when their lock file changed.

`python -m local.environments NAME...` makes them by hand.
"""

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.checkout import REQUIREMENTS, TOOLS, child_environment


def ensure_environment(name: str) -> Path:
    """Return the `bin` folder of `.tools/<name>`, which holds exactly `requirements/<name>.txt`.

    Several test processes may ask at once: the first one builds, the others wait for its lock.
    """
    lock_file = REQUIREMENTS / f"{name}.txt"
    wanted = hashlib.sha256(lock_file.read_bytes()).hexdigest()
    folder = TOOLS / name
    marker = folder / "requirements.sha256"
    with _locked(TOOLS / f"{name}.lock"):
        if not (marker.is_file() and marker.read_text() == wanted):
            _build(folder, lock_file)
            marker.write_text(wanted)
    return folder / "bin"


def _build(folder: Path, lock_file: Path) -> None:
    _uv("venv", "--allow-existing", "--python", sys.executable, str(folder))
    _uv("pip", "sync", "--require-hashes", "--python", str(folder / "bin" / "python"), str(lock_file))


def _uv(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments, "--quiet"],
        env=child_environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"uv {arguments[0]} failed:\n{done.stderr}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    for each in sys.argv[1:]:
        ensure_environment(each)
