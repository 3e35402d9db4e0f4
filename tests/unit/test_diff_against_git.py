"""What the parser reads is what git's blobs hold, for histories with everything nasty in them."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codereview.domain.change import FileChange, FileStatus, Hunk, Row
from codereview.domain.diff import parse_diff, parse_patch

type Files = list[tuple[str, bytes | None, bytes | None]]

LINES = st.one_of(
    st.sampled_from(
        [
            b"", b" ", b"\t", b"}", b"    return x", b"a\r", b"\r", b"\x0c", b"a\x0bb", b"\x85", b"\xff\xfe",
            "\u2028".encode(), "\u2029x".encode(), "é中\U0001f600".encode(), b"-- a/x", b"++ b/x", b"--- a/x",
            b"+++ b/x", b"@@ -1 +1 @@", b"@ -1 +1 @@", b"diff --git a/x b/x", b"GIT binary patch", b"<<<<<<< HEAD",
            b"=======", b">>>>>>> b", b"\\ No newline at end of file", b"index 1..2 100644", b"x" * 5000,
        ]
    ),
    st.binary(max_size=6).map(lambda noise: noise.replace(b"\n", b"").replace(b"\x00", b"")),
)  # fmt: skip
NASTY = (
    "plain", "a b", 'q"uote', "ta\tb", "new\nline", "back\\slash", '"lead', "a => b", "\udcff\udcfe", "é", "\x01",
    "b", "dev/null", "x b/x", "trailing ", "a/b/c", "{a => b}", "'", "\u2028", "/".join(["d" * 250] * 6),
)  # fmt: skip


@st.composite
def contents(draw: st.DrawFn) -> tuple[bytes | None, bytes | None]:
    """Draw a file before and after; None where it is not there."""
    old = draw(st.lists(LINES, max_size=30))
    new = list(old)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(new)))
        new[at : at + draw(st.integers(0, 3))] = draw(st.lists(LINES, max_size=3))
    ends = [draw(st.sampled_from([b"\n", b"\n", b""])) for _ in range(2)]
    before, after = (b"\n".join(lines) + end if lines else b"" for lines, end in ((old, ends[0]), (new, ends[1])))
    kind = draw(st.sampled_from(["both", "both", "both", "added", "removed"]))
    return (None if kind == "added" else before, None if kind == "removed" else after)


def quoted(path: bytes) -> bytes:
    return b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'


def commit(name: bytes, files: Iterable[tuple[str, bytes]]) -> bytes:
    lines = [b"commit refs/heads/%s\ncommitter A <a@b> 0 +0000\ndata 0\n\n" % name]
    for path, content in files:
        encoded = path.encode("utf-8", "surrogateescape")
        lines.append(b"M 100644 inline %s\ndata %d\n%s\n" % (quoted(encoded), len(content), content))
    return b"".join(lines) + b"\n"


def git(folder: Path, *arguments: str, given: bytes | None = None) -> bytes:
    return subprocess.run(["git", *arguments], cwd=folder, input=given, check=True, capture_output=True).stdout


def diff(folder: Path, files: Files, *options: str) -> tuple[FileChange, ...]:
    old = commit(b"old", [(path, before) for path, before, _ in files if before is not None])
    new = commit(b"new", [(path, after) for path, _, after in files if after is not None])
    git(folder, "fast-import", "--quiet", "--force", given=old + new)
    return parse_diff(git(folder, "diff", "--no-color", "--full-index", *options, "old", "new"))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "-q", "--bare")
    return folder


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty")
    git(folder, "init", "-q")
    return folder


FILES = st.lists(st.tuples(st.sampled_from(NASTY), contents()), max_size=4, unique_by=lambda entry: entry[0]).map(
    lambda entries: [(f"{index}{name}", *both) for index, (name, both) in enumerate(entries)]
)
OPTIONS = st.sampled_from([(), ("-U0",), ("-U10",), ("--find-renames",), ("-C", "--find-copies-harder")])
THOROUGH = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def lines_of(content: bytes) -> list[bytes]:
    return content.split(b"\n")


def assert_row_is_in(row: Row, old: list[bytes], new: list[bytes]) -> None:
    for number, lines in ((row.old_line, old), (row.new_line, new)):
        if number is not None:
            assert lines[number - 1] == row.text
            assert row.has_newline == (number < len(lines))


@THOROUGH
@given(FILES, OPTIONS)
def test_every_row_is_the_blobs_line_of_its_number(repository: Path, files: Files, options: tuple[str, ...]) -> None:
    found = diff(repository, files, *options)
    before = {path: content for path, content, _ in files}
    after = {path: content for path, _, content in files}
    named = {file.path for file in found} | {file.old_path for file in found if file.status is FileStatus.RENAMED}
    assert named == {path for path, old, new in files if old != new}
    for file in found:
        old = before[file.old_path or file.path] or b""
        new = after.get(file.path) or b""
        assert (file.status is FileStatus.REMOVED) == (after.get(file.path) is None)
        for hunk in file.hunks:
            assert sum(row.old_line is not None for row in hunk.rows) == hunk.old_count
            assert sum(row.new_line is not None for row in hunk.rows) == hunk.new_count
            for row in hunk.rows:
                assert_row_is_in(row, lines_of(old), lines_of(new))


def written(hunk: Hunk) -> bytes:
    """Write a hunk as git does."""
    lines = [b"@@ -%d,%d +%d,%d @@\n" % (hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count)]
    for row in hunk.rows:
        lines.append(row.kind.value.encode() + row.text + b"\n")
        lines += [] if row.has_newline else [b"\\ No newline at end of file\n"]
    return b"".join(lines)


def patch_of(index: int, file: FileChange) -> bytes:
    old = b"/dev/null" if file.status is FileStatus.ADDED else b"a/f%d" % index
    new = b"/dev/null" if file.status is FileStatus.REMOVED else b"b/f%d" % index
    mode = {
        FileStatus.ADDED: b"new file mode 100644\n",
        FileStatus.REMOVED: b"deleted file mode 100644\n",
    }.get(file.status, b"")
    header = b"diff --git a/f%d b/f%d\n%s--- %s\n+++ %s\n" % (index, index, mode, old, new)
    return header + b"".join(map(written, file.hunks))


@THOROUGH
@given(FILES, st.integers(20, 200))
def test_hunks_written_again_turn_the_old_blob_into_the_new(
    repository: Path, empty: Path, files: Files, budget: int
) -> None:
    found = {file.path: file for file in diff(repository, files, "--no-renames") if file.hunks}
    changed = [(found[path], old, new) for path, old, new in files if path in found]
    for index, (_, old, _) in enumerate(changed):
        if old is not None:
            (empty / f"f{index}").write_bytes(old)
    patch = b"".join(patch_of(index, file) for index, (file, _, _) in enumerate(changed))
    for file in found.values():
        assert parse_patch(b"".join(map(written, file.hunks)).removesuffix(b"\n")) == without_sections(file.hunks)
    if patch:
        git(empty, "apply", "--whitespace=nowarn", "-", given=patch)
    for index, (_, _, new) in enumerate(changed):
        written_file = empty / f"f{index}"
        assert (written_file.read_bytes() if written_file.exists() else None) == new
        written_file.unlink(missing_ok=True)


def without_sections(hunks: tuple[Hunk, ...]) -> tuple[Hunk, ...]:
    return tuple(Hunk(h.old_start, h.old_count, h.new_start, h.new_count, b"", h.rows) for h in hunks)


def test_b37_a_path_of_four_kilobytes_and_every_nasty_one_come_back(repository: Path) -> None:
    long = "/".join(["é" * 100] * 20)
    files: Files = [(f"{index}{name}", b"a\n", b"b\n") for index, name in enumerate([*NASTY, long])]
    assert {file.path for file in diff(repository, files)} == {path for path, _, _ in files}
    moved: Files = [(path, b"same\n" * 9, None) for path, _, _ in files[:1]] + [("1" + long, None, b"same\n" * 9)]
    (file,) = diff(repository, moved, "--find-renames")
    assert (file.status, file.old_path, file.path) == (FileStatus.RENAMED, "0plain", "1" + long)


def test_b34_links_submodules_binaries_and_modes_are_read_from_git_itself(repository: Path) -> None:
    old = b"commit refs/heads/old\ncommitter A <a@b> 0 +0000\ndata 0\n\n" + b"".join(
        [
            b"M 120000 inline link\ndata 1\nx\n",
            b"M 160000 %s module\n" % (b"1" * 40),
            b"M 100644 inline image\ndata 3\n\x00\x01\x02\n",
            b"M 100644 inline script\ndata 2\na\n\n",
            b"M 120000 inline turned\ndata 1\nx\n",
        ]
    )
    new = b"commit refs/heads/new\ncommitter A <a@b> 0 +0000\ndata 0\n\n" + b"".join(
        [
            b"M 120000 inline link\ndata 1\ny\n",
            b"M 160000 %s module\n" % (b"2" * 40),
            b"M 100644 inline image\ndata 3\n\x00\x01\x03\n",
            b"M 100755 inline script\ndata 2\na\n\n",
            b"M 100644 inline turned\ndata 2\nx\n\n",
        ]
    )
    git(repository, "fast-import", "--quiet", "--force", given=old + new)
    for options in ((), ("--binary",)):
        found = parse_diff(git(repository, "diff", "--submodule=short", *options, "old", "new"))
        assert [(file.path, file.unreviewable and file.unreviewable.value) for file in found] == [
            ("image", "binary"),
            ("link", "symbolic link"),
            ("module", "submodule"),
            ("script", "no changed lines"),
            ("turned", "deleted"),
            ("turned", None),
        ]
