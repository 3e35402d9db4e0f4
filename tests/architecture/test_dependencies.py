"""What is installed is what was looked at: every package by version and hash, nothing fetched by a script."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted([*(ROOT / "requirements").glob("*.txt"), *(ROOT / "layers").glob("*/requirements.txt")])
SCRIPTS = [ROOT / "Makefile", *(ROOT / ".ci").iterdir(), *(ROOT / "layers").glob("*/Makefile")]
EACH_LOCK = pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))


@EACH_LOCK
def test_every_requirement_has_one_version_and_its_hashes(lock: Path) -> None:
    logical = lock.read_text().replace("\\\n", " ").splitlines()
    requirements = [line for line in logical if line.strip() and not line.lstrip().startswith("#")]
    assert requirements
    for line in requirements:
        assert re.match(r"[A-Za-z0-9._-]+(\[[^]]+\])?==[^\s;]+", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), line


def test_every_package_of_npm_has_its_hash() -> None:
    packages = json.loads((ROOT / "tests/package-lock.json").read_text())["packages"]
    own = {path: package for path, package in packages.items() if path and not package.get("inBundle")}
    assert own
    assert all("integrity" in package for package in own.values())
    # What is bundled comes inside of the tarball of the package that it lies below, whose hash covers it.
    for path in set(packages) - set(own) - {""}:
        assert any(path.startswith(f"{parent}/node_modules/") for parent in own), path


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.relative_to(ROOT)))
def test_no_script_runs_what_it_downloads_or_installs_without_hashes(script: Path) -> None:
    text = script.read_text().replace("\\\n", " ")
    assert not re.search(r"(curl|wget)\b[^\n]*\|\s*(ba|z|da)?sh\b", text)
    for line in text.splitlines():
        if re.search(r"\bpip (install|sync)\b", line):
            is_our_own = "--no-deps" in line and line.rstrip().endswith("--editable .")
            assert "--require-hashes" in line or is_our_own, line
        assert not re.search(r"\bnpm (install|i)\b", line), line
