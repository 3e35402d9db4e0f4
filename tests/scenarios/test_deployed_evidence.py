"""`codereview evidence` on the deployed system."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from local.demo import open_and_wait, sample_repository
from local.stack import LocalStack
from tests.scenarios.commands import run, said

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]


def test_evidence_of_a_crash_loop_has_logs_queues_and_releases_and_no_secret(
    local_aws: LocalStack, tmp_path: Path
) -> None:
    repository = local_aws.hub.add_repository(sample_repository(), owner="acme", name="evident")
    open_and_wait(local_aws.hub, repository, base="main", head="change")
    folder = tmp_path / "found"
    told = said(local_aws, "evidence", "worker-crash-loop", "--out", str(folder))
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"manifest.json", "doctor.json", "queues.json", "waiting.json", "releases.json", "settings.json"} <= names
    assert {"logs/reviewer.jsonl", "logs/analyzer.jsonl", "logs/reconciler.jsonl"} <= names
    assert '"ReviewsPosted":1' in (folder / "logs/reviewer.jsonl").read_text().replace(" ", "")
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["files"]:
        assert hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest() == file["sha256"]
    assert (told["files"], told["missing"]) == (len(names), {})
    assert set(told["queues"]) == set(told["workers"]) == {"review", "record"}
    app = local_aws.hub.app()
    everything = "".join((folder / name).read_text() for name in names)
    assert app["webhook_secret"] not in everything
    assert "PRIVATE KEY-----\n" not in everything
    assert "127.0.0.1" not in everything
    assert folder.stat().st_mode & 0o077 == 0


def test_evidence_fits_into_an_archive_and_nothing_is_overwritten(local_aws: LocalStack, tmp_path: Path) -> None:
    place = tmp_path / "found.zip"
    said(local_aws, "evidence", "database-bloat", "--since", "1h", "--out", str(place))
    with zipfile.ZipFile(place) as archive:
        assert {"found/manifest.json", "found/database.json"} <= set(archive.namelist())
        assert json.loads(archive.read("found/database.json"))["tables"]
    assert place.stat().st_mode & 0o077 == 0
    again = run(local_aws, "evidence", "database-bloat", "--out", str(place))
    assert (again.returncode, again.stderr.count("\n"), "is there already" in again.stderr) == (1, 1, True)
    assert run(local_aws, "evidence", "a-mystery").returncode == 2
