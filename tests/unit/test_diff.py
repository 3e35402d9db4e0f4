"""Git's unified diff is read byte for byte, or refused."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codereview.domain.change import FileChange, FileStatus, Row, RowKind, Unreviewable
from codereview.domain.diff import CombinedDiffError, MalformedDiffError, parse_diff, parse_patch
from codereview.errors import CodeReviewError

HEADER = b"diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n"


def one(data: bytes) -> FileChange:
    (file,) = parse_diff(data)
    return file


def test_rows_carry_the_line_numbers_of_both_sides() -> None:
    (hunk,) = parse_patch(b"@@ -3,3 +3,4 @@ def f():\n a\n-b\n+B\n+C\n d")
    assert (hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count, hunk.section) == (3, 3, 3, 4, b"def f():")
    assert hunk.rows == (
        Row(RowKind.CONTEXT, 3, 3, b"a"),
        Row(RowKind.REMOVED, 4, None, b"b"),
        Row(RowKind.ADDED, None, 4, b"B"),
        Row(RowKind.ADDED, None, 5, b"C"),
        Row(RowKind.CONTEXT, 5, 6, b"d"),
    )


def test_nothing_is_no_file() -> None:
    assert parse_diff(b"") == ()
    assert parse_patch(b"") == ()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param(
            b"diff --git a/e b/e\nnew file mode 100644\nindex 0..0\n",
            ("e", FileStatus.ADDED, None, Unreviewable.NO_CHANGED_LINES),
            id="b34-empty-file",
        ),
        pytest.param(
            b"diff --git a/e b/e\ndeleted file mode 100644\nindex 1..0\n--- a/e\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n",
            ("e", FileStatus.REMOVED, None, Unreviewable.DELETED),
            id="b34-deletion",
        ),
        pytest.param(
            b"diff --git a/o b/n\nsimilarity index 100%\nrename from o\nrename to n\n",
            ("n", FileStatus.RENAMED, "o", Unreviewable.NO_CHANGED_LINES),
            id="b34-rename",
        ),
        pytest.param(
            b"diff --git a/o b/n\nsimilarity index 100%\ncopy from o\ncopy to n\n",
            ("n", FileStatus.COPIED, "o", Unreviewable.NO_CHANGED_LINES),
            id="b34-copy",
        ),
        pytest.param(
            b"diff --git a/p q b/p q\nindex 1..2 100644\nBinary files a/p q and b/p q differ\n",
            ("p q", FileStatus.MODIFIED, None, Unreviewable.BINARY),
            id="b34-binary",
        ),
        pytest.param(
            b"diff --git a/p b/p\nindex 1..2 100644\nGIT binary patch\nliteral 3\n"
            b"KcmZQzWMT#Y01f~L\n\nliteral 1\nIcmZPo000310RR91\n\n",
            ("p", FileStatus.MODIFIED, None, Unreviewable.BINARY),
            id="b34-binary-patch",
        ),
        pytest.param(
            b"diff --git a/s b/s\nindex 1..2 160000\n"
            b"--- a/s\n+++ b/s\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n",
            ("s", FileStatus.MODIFIED, None, Unreviewable.SUBMODULE),
            id="b34-submodule",
        ),
        pytest.param(
            b"diff --git a/l b/l\nnew file mode 120000\nindex 0..1\n"
            b"--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+t\n\\ No newline at end of file\n",
            ("l", FileStatus.ADDED, None, Unreviewable.SYMLINK),
            id="b34-symlink",
        ),
        pytest.param(
            b"diff --git a/m b/m\nold mode 100644\nnew mode 100755\n",
            ("m", FileStatus.CHANGED, None, Unreviewable.NO_CHANGED_LINES),
            id="b34-mode",
        ),
    ],
)
def test_each_kind_of_change_has_its_status_and_its_reason(header: bytes, expected: tuple[object, ...]) -> None:
    for data in (header, header + HEADER + b"@@ -1 +1 @@\n-a\n+b\n"):
        file, *others = parse_diff(data)
        assert (file.path, file.status, file.old_path, file.unreviewable) == expected
        assert [other.path for other in others] == (["x.py"] if data != header else [])


def test_b34_a_change_of_mode_is_kept() -> None:
    file = one(
        b"diff --git a/m b/m\nold mode 100644\nnew mode 100755\nindex 1..2\n--- a/m\n+++ b/m\n@@ -1 +1 @@\n-a\n+b\n"
    )
    assert (file.old_mode, file.new_mode, file.status) == ("100644", "100755", FileStatus.MODIFIED)


@pytest.mark.parametrize(
    ("shown", "path"),
    [
        (rb'"a/new\nline"', "new\nline"),
        (rb'"a/q\"uote"', 'q"uote'),
        (rb'"a/ta\tb"', "ta\tb"),
        (rb'"a/back\\slash"', "back\\slash"),
        (rb'"a/\"lead \" b/"', '"lead " b/'),
        (rb'"a/\303\251\377"', "é\udcff"),
        (rb'"a/\a\b\v\f\r"', "\a\b\v\f\r"),
        (b"a/a => b", "a => b"),
        (b"a/dev/null", "dev/null"),
        (b"a/x b/x", "x b/x"),
        (b"a/" + b"/".join([b"d" * 255] * 16), "/".join(["d" * 255] * 16)),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_b37_paths_are_read_as_git_writes_them(shown: bytes, path: str) -> None:
    new = shown.replace(b"a/", b"b/", 1)
    both = b"diff --git " + shown + b" " + new + b"\n"
    tab = b"\t" if b" " in shown and not shown.startswith(b'"') else b""
    named = both + b"--- " + shown + tab + b"\n+++ " + new + tab + b"\n@@ -1 +1 @@\n-a\n+b\n"
    for data in (named, both + b"old mode 100644\nnew mode 100755\n", both + b"Binary files x and y differ\n"):
        assert one(data).path == path


PIECES = [b"@@ -1 +1 @@", b"-a", b"+b", b" c", b"", b"\x00"]
LOOKALIKES = [
    b"-- a/x",
    b"++ b/x",
    b"@ -1 +1 @@",
    b"@@ -1 +1 @@",
    b"diff --git a/evil b/evil",
    b"GIT binary patch",
    b"Binary files a/x and b/x differ",
    b"<<<<<<< HEAD",
    b"=======",
    b">>>>>>> theirs",
    b"rename from x",
    b"\\ No newline at end of file",
]


@pytest.mark.parametrize("text", LOOKALIKES)
@pytest.mark.parametrize("mark", [b"+", b"-", b" "])
def test_b38_b39_content_that_looks_like_a_header_is_content(text: bytes, mark: bytes) -> None:
    old, new = {b"+": (1, 2), b"-": (2, 1), b" ": (2, 2)}[mark]
    row = mark + text + b"\n"
    file = one(HEADER + b"@@ -1,%d +1,%d @@\n" % (old, new) + row + b" end\n")
    assert [row.text for row in file.hunks[0].rows] == [text, b"end"]


@pytest.mark.parametrize(
    "end", [b"\x0c", b"\x0b", b"\x85", b"\r", "\u2028".encode(), "\u2029".encode(), b"\x1c", b"\x00"]
)
def test_b36_only_the_line_feed_ends_a_line(end: bytes) -> None:
    (hunk,) = parse_patch(b"@@ -1,2 +1,2 @@\n-a" + end + b"b\n+c" + end + b"\n z")
    assert [row.text for row in hunk.rows] == [b"a" + end + b"b", b"c" + end, b"z"]
    assert hunk.rows[2].new_line == 2


def test_b36_carriage_returns_belong_to_the_line() -> None:
    (hunk,) = parse_patch(b"@@ -1,2 +1,2 @@\n-a\r\n+b\r\n \r")
    assert [row.text for row in hunk.rows] == [b"a\r", b"b\r", b"\r"]


def test_b36_a_missing_newline_is_the_rows_own() -> None:
    note = b"\n\\ No newline at end of file"
    (hunk,) = parse_patch(b"@@ -1 +1 @@\n-a" + note + b"\n+b" + note)
    assert [row.has_newline for row in hunk.rows] == [False, False]
    (hunk,) = parse_patch(b"@@ -1,2 +1 @@\n-a\n b" + note)
    assert [row.has_newline for row in hunk.rows] == [True, False]


def test_an_empty_context_line_may_have_lost_its_blank() -> None:
    for end in (b"", b"\n"):
        (hunk,) = parse_patch(b"@@ -1,3 +1,3 @@\n\n-a\n+b\n" + end)
        assert (hunk.rows[0].kind, hunk.rows[0].text) == (RowKind.CONTEXT, b"")
        assert hunk.rows[-1] == Row(RowKind.CONTEXT, 3, 3, b"")


def test_b36_a_line_of_ten_megabytes_and_a_million_hunks_are_read() -> None:
    long = b"x" * 10_000_000
    (hunk,) = parse_patch(b"@@ -0,0 +1 @@\n+" + long)
    assert hunk.rows[0].text == long
    many = 100_000  # the time grows with the number; a million takes ten times as long
    hunks = parse_patch(b"".join(b"@@ -%d +%d @@\n-a\n+b\n" % (line, line) for line in range(1, 2 * many, 2)))
    assert len(hunks) == many
    assert hunks[-1].rows[1].new_line == 2 * many - 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"hello\n", id="no diff"),
        pytest.param(b"\n\n", id="an empty line"),
        pytest.param(HEADER + b"@@ -1,2 +1,2 @@\n a\n", id="cut behind a row"),
        pytest.param(HEADER + b"@@ -1 +1 @@\n-a\n+b", id="cut within a line"),
        pytest.param(HEADER + b"@@ -1 +1 @@\n-a\n+b\n+c\n", id="more rows than announced"),
        pytest.param(HEADER + b"@@ -1,2 +1 @@\n a\n+b\n", id="too many on one side"),
        pytest.param(HEADER + b"@@ -x +1 @@\n", id="no numbers"),
        pytest.param(HEADER + b"@@ -1,99999999999999999999 +1 @@\n", id="huge numbers"),
        pytest.param(HEADER + b"@@ -1,999999999 +1,999999999 @@\n a\n", id="large counts"),
        pytest.param(HEADER + b"@@ -1 +1 @@\n?a\n", id="unknown mark"),
        pytest.param(HEADER + b"@@ -1 +1 @@\n\\ No newline at end of file\n", id="remark without a row"),
        pytest.param(b'diff --git "a/x\\8" "b/x\\8"\n', id="unknown escape"),
        pytest.param(b'diff --git "a/x" "b/x"\n--- "a/x\n', id="open quote"),
        pytest.param(b"diff --git a/x b/x\nwhat is this\n", id="unknown header"),
        pytest.param(b"diff --git \n", id="no names"),
        pytest.param(b"diff --git x x\n", id="no prefix"),
        pytest.param(b"diff --git a/x b/x\n--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\nx\n", id="trailing text"),
    ],
)
def test_bytes_that_git_does_not_write_are_an_error(data: bytes) -> None:
    with pytest.raises(MalformedDiffError):
        parse_diff(data)


@pytest.mark.parametrize("word", [b"--cc", b"--combined"])
def test_a_combined_diff_is_refused_by_name(word: bytes) -> None:
    data = b"diff " + word + b" x.py\nindex 1,2..3\n--- a/x.py\n+++ b/x.py\n@@@ -1,1 -1,1 +1,1 @@@\n- a\n -b\n++c\n"
    with pytest.raises(CombinedDiffError):
        parse_diff(data)
    with pytest.raises(CombinedDiffError):
        parse_diff(HEADER + b"@@ -1 +1 @@\n-a\n+b\n" + data)


@given(
    st.lists(st.sampled_from([*LOOKALIKES, HEADER, b"@@ -1 +1 @@", b"-a", b"+b", b" c", b"", b"\x00"])).map(b"\n".join)
)
@example(b'diff --git "" ""\n')
@example(b'diff --git a/x b/x\nrename from "\n')
def test_no_bytes_raise_anything_but_our_errors(data: bytes) -> None:
    for read in (parse_diff, parse_patch):
        with contextlib.suppress(CodeReviewError):
            read(data)


@given(st.binary())
def test_no_noise_raises_anything_but_our_errors(noise: bytes) -> None:
    for data in (noise, HEADER + noise, HEADER + b"@@ -1,2 +1,2 @@\n" + noise):
        for read in (parse_diff, parse_patch):
            with contextlib.suppress(CodeReviewError):
                read(data)
