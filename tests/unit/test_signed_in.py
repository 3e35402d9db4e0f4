"""Who runs a command without being signed in to AWS is told so in one line, before anything is looked at."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PROGRAM = "from codereview.cli.main import main; main()"
COMMANDS = (
    ("doctor", "--stack", "acme"),
    ("workers", "status", "--stack", "acme"),
    ("tenants", "list", "--stack", "acme"),
    ("audit", "verify"),
)
KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
EXPIRED = """
[default]
region = eu-central-1
sso_account_id = 123456789012
sso_role_name = operator
sso_region = eu-central-1
sso_start_url = https://acme.awsapps.example/start
"""


def run(home: Path, command: tuple[str, ...], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it for somebody whose environment has nothing else."""
    paths = {"PYTHONPATH": ":".join(sys.path), "HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *command], env=paths | variables, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_credentials_a_command_says_so_and_ends_with_4(tmp_path: Path, command: tuple[str, ...]) -> None:
    ended = run(tmp_path, command)
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr == "codereview: no AWS credentials: sign in, or set AWS_PROFILE\n"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (KEYS, "no AWS region: set AWS_DEFAULT_REGION, or one in the profile"),
        ({"AWS_PROFILE": "acme"}, "AWS: The config profile (acme) could not be found"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, variables: Mapping[str, str], said: str) -> None:
    ended = run(tmp_path, COMMANDS[0], **variables)
    assert (ended.returncode, ended.stderr) == (4, f"codereview: {said}\n")


def test_a_sign_in_that_has_expired_is_told_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(EXPIRED)
    ended = run(tmp_path, COMMANDS[0])
    assert ended.returncode == 4
    assert len(ended.stderr.splitlines()) == 1
    assert "sso" in ended.stderr.lower()
