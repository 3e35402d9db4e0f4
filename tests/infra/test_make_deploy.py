"""The verbs that deploy to AWS, as make would run them."""

import re
import subprocess

import pytest

from local.checkout import ROOT, child_environment


def make(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", "--old-file=setup", *words]
    return subprocess.run(
        command, cwd=ROOT, env=child_environment({}), capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("verb", ["deploy", "rollback"])
@pytest.mark.parametrize("stage", ["", "STAGE=local", "STAGE=production", "STAGE=dev prod"])
def test_a_stage_that_is_none_is_refused_before_anything_is_done(verb: str, stage: str) -> None:
    done = make(verb, *([stage] if stage else []))
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == f"Say which: make {verb} STAGE=dev, staging or prod."
    assert done.stdout == ""


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_a_deploy_builds_deploys_and_notes_the_release(stage: str) -> None:
    *_, build, deploy, record = make("--dry-run", "deploy", f"STAGE={stage}").stdout.splitlines()
    assert build.endswith("sam build --parallel")
    assert deploy.rstrip().endswith(f"sam deploy --config-env {stage}")
    noted, _, commit = record.partition(" --commit ")
    assert noted.endswith(f"codereview releases record --stack codereview-{stage}")
    named = subprocess.run(["sh", "-c", f"printf %s {commit}"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"([0-9a-f]{40}(-dirty)?)?", named.stdout)  # nothing, where it is no clone


def test_a_workflow_deploys_as_a_role_and_without_a_question() -> None:
    *_, deploy, _ = make("--dry-run", "deploy", "STAGE=prod", "ROLE=arn:role", "YES=1").stdout.splitlines()
    assert deploy.endswith("sam deploy --config-env prod --role-arn arn:role --no-confirm-changeset")


def test_a_rollback_asks_unless_it_is_told_yes() -> None:
    asked = make("--dry-run", "rollback", "STAGE=prod").stdout.splitlines()[-1]
    assert asked.rstrip().endswith("codereview releases rollback --stack codereview-prod")
    told = make("--dry-run", "rollback", "STAGE=prod", "TO=3", "YES=1").stdout.splitlines()[-1]
    assert told.endswith("codereview releases rollback --stack codereview-prod --to 3 --yes")
