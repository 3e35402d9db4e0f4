"""The command line on the deployed system: a process of its own with AWS credentials and nothing else."""

import json
import subprocess
import sys
from typing import Any

from local.checkout import ROOT, child_environment
from local.stack import STACK_NAME, LocalStack


def run(stack: LocalStack, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command; nobody is at the keyboard."""
    command = [sys.executable, "-c", "from codereview.cli.main import main; main()", *words, "--stack", STACK_NAME]
    environment = child_environment(stack.aws.environment | {"PYTHONPATH": str(ROOT / "layers/core/python")})
    return subprocess.run(
        command, env=environment, input=stdin or "", capture_output=True, text=True, check=False, timeout=120
    )


def said(stack: LocalStack, *words: str, stdin: str | None = None) -> dict[str, Any]:
    """Run a command that succeeds, and return what it says to programs."""
    done = run(stack, *words, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
