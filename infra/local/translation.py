"""SAM templates as CloudFormation sees them, by SAM's own translator, which lives in an environment of its own."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.checkout import ROOT, child_environment
from local.environments import ensure_environment

Template = Mapping[str, Any]


def translate(texts: Mapping[str, str], sources: Mapping[str, str]) -> dict[str, Template]:
    """Translate SAM templates as AWS does; `sources` gives local folders checksums other than the first ones."""
    done = subprocess.run(
        [ensure_environment("sam") / "python", Path(__file__).with_name("translate.py")],
        input=json.dumps({"templates": dict(texts), "sources": dict(sources)}),
        env=child_environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    result: dict[str, Template] = json.loads(done.stdout)
    return result


def translated_checkout() -> dict[str, Template]:
    """Translate the checkout's template and those of the stacks in it, by their paths."""
    paths = [ROOT / "template.yaml", *sorted((ROOT / "infra").glob("*.yaml"))]
    return translate({str(path.relative_to(ROOT)): path.read_text() for path in paths}, {})
