"""The command line on the deployed system: a process of its own with AWS credentials and nothing else."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from local.checkout import ROOT, child_environment
from local.stack import STACK_NAME, LocalStack


def run(stack: LocalStack, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command; nobody is at the keyboard."""
    return run_with(stack.aws.environment, *words, "--stack", STACK_NAME, stdin=stdin)


def run_with(environment: Mapping[str, str], *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command for whoever the environment's credentials are."""
    return subprocess.run(
        [sys.executable, "-c", "from codereview.cli.main import main; main()", *words],
        env=child_environment({**environment, "PYTHONPATH": str(ROOT / "layers/core/python")}),
        input=stdin or "",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def said(stack: LocalStack, *words: str, stdin: str | None = None) -> dict[str, Any]:
    """Run a command that succeeds, and return what it says to programs."""
    done = run(stack, *words, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
