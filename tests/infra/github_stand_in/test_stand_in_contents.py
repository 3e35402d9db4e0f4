"""Files, blobs, commits and comparisons."""

import base64
from pathlib import Path

import httpx
import pytest

from local.github import contents
from tests.infra.github_stand_in.world import ROOT, git

RAW = {"Accept": "application/vnd.github.raw+json"}


def test_a_file_is_served_as_json_and_raw_at_any_ref(github: httpx.Client, clone: Path) -> None:
    document = github.get(f"{ROOT}/contents/new.py", params={"ref": "feature"}).json()
    assert (document["type"], document["encoding"], document["size"]) == ("file", "base64", 18)
    assert base64.b64decode(document["content"]) == b"print(1)\nprint(2)\n"
    sha = git(clone, "rev-parse", "later")
    raw = github.get(f"{ROOT}/contents/new.py", params={"ref": sha}, headers=RAW)
    assert raw.content == b"print(1)\nprint(2)\nprint(3)\n"
    assert github.get(f"{ROOT}/contents/new.py").status_code == 404


def test_a_path_beyond_ascii_is_found(github: httpx.Client) -> None:
    assert github.get(f"{ROOT}/contents/src/größe.txt", headers=RAW).content == "äöü\n".encode()


def test_a_folder_is_listed(github: httpx.Client) -> None:
    rows = github.get(f"{ROOT}/contents/src").json()
    assert [(row["path"], row["type"]) for row in rows] == [("src/größe.txt", "file")]


def test_a_link_names_its_target(github: httpx.Client) -> None:
    document = github.get(f"{ROOT}/contents/link").json()
    assert (document["type"], document["target"]) == ("symlink", "app.py")


def test_a_file_above_a_megabyte_has_no_content_in_json(github: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_JSON_BYTES", 10)
    document = github.get(f"{ROOT}/contents/app.py").json()
    assert (document["content"], document["encoding"]) == ("", "none")
    assert github.get(f"{ROOT}/contents/app.py", headers=RAW).content.startswith(b"line 1\n")
    monkeypatch.setattr(contents, "_RAW_BYTES", 10)
    refused = github.get(f"{ROOT}/contents/app.py", headers=RAW)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, "too_large")


def test_a_pull_requests_head_is_a_ref(github: httpx.Client) -> None:
    answer = github.get(f"{ROOT}/contents/new.py", params={"ref": "refs/pull/1/head"}, headers=RAW)
    assert answer.content == b"print(1)\nprint(2)\n"


def test_a_blob_is_served_by_its_id(github: httpx.Client, clone: Path) -> None:
    sha = git(clone, "rev-parse", "main:logo.bin")
    assert base64.b64decode(github.get(f"{ROOT}/git/blobs/{sha}").json()["content"]) == bytes(range(256))
    assert github.get(f"{ROOT}/git/blobs/{'0' * 40}").status_code == 404
    assert github.get(f"{ROOT}/git/blobs/--help").status_code == 404


def test_a_commit_is_served_with_its_files(github: httpx.Client, clone: Path) -> None:
    document = github.get(f"{ROOT}/commits/feature").json()
    assert document["sha"] == git(clone, "rev-parse", "feature")
    assert document["stats"] == {"total": 8, "additions": 4, "deletions": 4}
    assert len(document["files"]) == 5
    assert github.get(f"{ROOT}/commits/none").status_code == 422


def test_a_comparison_starts_where_the_branches_parted(github: httpx.Client, clone: Path) -> None:
    document = github.get(f"{ROOT}/compare/main...later").json()
    assert document["merge_base_commit"]["sha"] == git(clone, "merge-base", "main", "later")
    assert (document["status"], document["ahead_by"], document["behind_by"]) == ("ahead", 2, 0)
    assert len(document["files"]) == 5
    assert github.get(f"{ROOT}/compare/later...main").json()["status"] == "behind"
    assert github.get(f"{ROOT}/compare/main...main").json()["status"] == "identical"
    assert github.get(f"{ROOT}/compare/main...none").status_code == 404
