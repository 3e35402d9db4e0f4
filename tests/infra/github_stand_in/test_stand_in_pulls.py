"""Pull requests of a real repository, as the API shows them."""

from pathlib import Path

import httpx
import pytest

from local.github import StandIn
from tests.infra.github_stand_in.world import PULL, ROOT, git


def test_a_pull_request_is_two_commits_of_the_clone(github: httpx.Client, clone: Path) -> None:
    pull = github.get(PULL).json()
    assert pull["head"]["sha"] == git(clone, "rev-parse", "feature")
    assert pull["base"]["sha"] == git(clone, "rev-parse", "main")
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["title"]) == ("feature", "main", "Change everything")
    assert (pull["state"], pull["draft"], pull["changed_files"], pull["commits"]) == ("open", False, 5, 1)
    assert (pull["additions"], pull["deletions"]) == (4, 4)


def test_the_files_have_githubs_rows(github: httpx.Client) -> None:
    rows = {row["filename"]: row for row in github.get(f"{PULL}/files").json()}
    assert {name: row["status"] for name, row in rows.items()} == {
        "app.py": "modified",
        "gone.py": "removed",
        "logo.bin": "modified",
        "new name.py": "renamed",
        "new.py": "added",
    }
    assert rows["app.py"]["patch"].startswith("@@ -47,7 +47,8 @@ line 46\n line 47\n")
    assert "-line 50\n+changed\n+added\n" in rows["app.py"]["patch"]
    assert rows["new.py"]["patch"] == "@@ -0,0 +1,2 @@\n+print(1)\n+print(2)"
    assert (rows["app.py"]["additions"], rows["app.py"]["deletions"], rows["app.py"]["changes"]) == (2, 3, 5)
    assert rows["new name.py"]["previous_filename"] == "old name.py"
    assert "patch" not in rows["logo.bin"]
    assert "patch" not in rows["new name.py"]


def test_files_come_in_linked_pages(github: httpx.Client) -> None:
    first = github.get(f"{PULL}/files", params={"per_page": "2"})
    assert set(first.links) == {"next", "last"}
    names, answer = [row["filename"] for row in first.json()], first
    while "next" in answer.links:
        answer = github.get(answer.links["next"]["url"])
        names += [row["filename"] for row in answer.json()]
    assert names == ["app.py", "gone.py", "logo.bin", "new name.py", "new.py"]
    assert set(answer.links) == {"prev", "first"}


def test_no_more_files_are_listed_than_githubs_limit(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.set_limits(files=3)
    assert len(github.get(f"{PULL}/files").json()) == 3
    assert github.get(PULL).json()["changed_files"] == 5


def test_long_patches_make_later_rows_look_unchanged_when_asked_for(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.set_limits(files_answer_lines=10)
    rows = github.get(f"{PULL}/files").json()
    assert ["patch" in row for row in rows] == [True, False, False, False, False]
    assert [row["changes"] for row in rows] == [5, 0, 0, 0, 0]
    small = github.get(f"{PULL}/files", params={"per_page": "1", "page": "5"}).json()
    assert small[0]["changes"] == 2


def test_a_patch_above_githubs_limit_is_left_out_with_its_counts(
    stand_in: StandIn, installation_id: int, github: httpx.Client, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=Begin")
    git(tmp_path, "checkout", "--quiet", "-b", "big")
    (tmp_path / "big.txt").write_text("x\n" * 20_001)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message=Grow")
    stand_in.add_repository(str(tmp_path), "acme", "shop")
    stand_in.open_pull_request("acme/shop", "main", "big")
    row = github.get(f"{ROOT}/pulls/2/files").json()[0]
    assert ("patch" in row, row["changes"]) == (False, 20_001)


def test_the_diff_is_gits_own(github: httpx.Client, clone: Path) -> None:
    answer = github.get(PULL, headers={"Accept": "application/vnd.github.diff"})
    assert answer.headers["Content-Type"].startswith("application/vnd.github.diff")
    assert answer.content.rstrip(b"\n") == git(clone, "diff", "--full-index", "main...feature").encode()


@pytest.mark.parametrize("limit", ["diff_files", "diff_lines", "diff_bytes"])
def test_a_diff_above_a_limit_is_too_large(stand_in: StandIn, github: httpx.Client, limit: str) -> None:
    stand_in.set_limits(**{limit: 4})
    refused = github.get(PULL, headers={"Accept": "application/vnd.github.v3.diff"})
    assert refused.status_code == 406
    assert refused.json()["errors"][0]["code"] == "too_large"


def test_pull_requests_are_listed_by_state_head_and_base(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.open_pull_request("acme/shop", "main", "later", draft=True)
    stand_in.change_pull_request("acme/shop", 1, "closed")

    def numbers(**params: str) -> list[int]:
        return [pull["number"] for pull in github.get(f"{ROOT}/pulls", params=params).json()]

    assert numbers() == [2]
    assert numbers(state="all") == [2, 1]
    assert numbers(state="closed") == [1]
    assert numbers(head="acme:later") == [2]
    assert numbers(head="acme:feature", state="all") == [1]
    assert numbers(base="feature") == []


def test_a_commit_knows_its_pull_requests(stand_in: StandIn, github: httpx.Client, clone: Path) -> None:
    stand_in.open_pull_request("acme/shop", "main", "later", fork_owner="kim")

    def numbers(ref: str) -> list[int]:
        return [pull["number"] for pull in github.get(f"{ROOT}/commits/{git(clone, 'rev-parse', ref)}/pulls").json()]

    assert numbers("feature") == [1, 2]
    assert numbers("later") == [2]
    assert numbers("main") == []


def test_a_pull_request_lists_its_commits_oldest_first(stand_in: StandIn, github: httpx.Client, clone: Path) -> None:
    stand_in.open_pull_request("acme/shop", "main", "later")
    commits = github.get(f"{ROOT}/pulls/2/commits").json()
    assert [one["sha"] for one in commits] == [git(clone, "rev-parse", "feature"), git(clone, "rev-parse", "later")]
    assert commits[0]["commit"]["message"] == "Change everything\n\nWith a body."


def test_a_fork_has_its_owner_and_a_deleted_one_has_none(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.open_pull_request("acme/shop", "main", "later", fork_owner="kim")
    head = github.get(f"{ROOT}/pulls/2").json()["head"]
    assert (head["repo"]["full_name"], head["repo"]["fork"], head["label"]) == ("kim/shop", True, "kim:later")
    stand_in.forget_fork("acme/shop", 2)
    head = github.get(f"{ROOT}/pulls/2").json()["head"]
    assert head["repo"] is None


def test_what_does_not_exist_is_not_found(github: httpx.Client) -> None:
    for path in (f"{ROOT}/pulls/99", f"{ROOT}/pulls/x", f"{ROOT}/pulls/99/files", "/repos/acme/none", "/nothing"):
        answer = github.get(path)
        assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")
        assert answer.json()["documentation_url"].startswith("https://docs.github.com/")


def test_a_file_that_becomes_a_link_is_one_row(
    stand_in: StandIn, installation_id: int, github: httpx.Client, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "a").write_text("text\n")
    (tmp_path / "z").write_text("1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message=Begin")
    git(tmp_path, "checkout", "--quiet", "-b", "link")
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("z")
    (tmp_path / "z").write_text("2\n")
    git(tmp_path, "commit", "--quiet", "--all", "--message=Link")
    stand_in.add_repository(str(tmp_path), "acme", "shop")
    stand_in.open_pull_request("acme/shop", "main", "link")
    rows = github.get(f"{ROOT}/pulls/2/files").json()
    assert [(row["filename"], row["status"], "patch" in row) for row in rows] == [
        ("a", "changed", False),
        ("z", "modified", True),
    ]
    assert rows[1]["patch"] == "@@ -1 +1 @@\n-1\n+2"
