"""Which lines can carry a comment, compared with what git says about arbitrary changes."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.github.git import ChangedFile, GitRepository
from local.github.placement import place
from local.github.routing import Refusal
from tests.infra.github_stand_in.world import git

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "@@ -1 +1 @@", "-x", "+y", "\\ No"]), max_size=40)
HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    folder = tmp_path_factory.mktemp("lines")
    git(folder, "init", "--quiet", "--initial-branch=main")
    return GitRepository(folder)


def commit(folder: Path, lines: list[str], *, ends: bool, parent: str | None) -> str:
    content = "\n".join(lines) + ("\n" if ends and lines else "")
    blob = git(folder, "hash-object", "-w", "--stdin", stdin=content.encode())
    tree = git(folder, "mktree", stdin=f"100644 blob {blob}\tfile\n".encode())
    return git(folder, "commit-tree", tree, "-m", "x", *(("-p", parent) if parent else ()))


def git_says(repository: GitRepository, base: str, head: str) -> dict[str, set[int]]:
    """Take start and length of either side from the hunks' headers, and skip as many rows as they announce."""
    lines: dict[str, set[int]] = {"LEFT": set(), "RIGHT": set()}
    rows = repository.run("diff", "--unified=3", base, head).decode().split("\n")
    while rows:
        header = HUNK.match(rows.pop(0))
        if header is None:
            continue
        old, new = (int(count or "1") for count in (header[2], header[4]))
        lines["LEFT"] |= set(range(int(header[1]), int(header[1]) + old))
        lines["RIGHT"] |= set(range(int(header[3]), int(header[3]) + new))
        while old or new:
            mark = rows.pop(0)[0]
            old -= mark in " -"
            new -= mark in " +"
    return lines


def accepts(file: ChangedFile | None, side: str, line: int) -> bool:
    try:
        place(file, {"path": "file", "line": line, "side": side})
    except Refusal:
        return False
    return True


@settings(max_examples=40, deadline=None)
@given(old=LINES, new=LINES, ends=st.booleans())
def test_exactly_the_lines_in_gits_hunks_can_carry_a_comment(
    repository: GitRepository, old: list[str], new: list[str], ends: bool
) -> None:
    base = commit(repository.folder, old, ends=True, parent=None)
    head = commit(repository.folder, new, ends=ends, parent=base)
    expected = git_says(repository, base, head)
    file = repository.changed_file(base, head, "file")
    for side in ("LEFT", "RIGHT"):
        found = {line for line in range(-1, 60) if accepts(file, side, line)}
        assert found == expected[side]
