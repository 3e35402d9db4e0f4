"""Changes that are not what one thinks of: each ends in one review, and the review says what was not looked at."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from codereview.adapters.models.replay import ReplayModel
from codereview.domain.review import Posted
from tests.scenarios.events import NOW
from tests.scenarios.real_changes import LINK, PROGRAM, SUBMODULE, Entry, RealChanges, Rewrite, Tree, open_change, text

KEPT = {"README": text("kept\n")}
CODE = text("".join(f"value_{number} = {number}\n" for number in range(30)))
BINARY = text(bytes(range(256)) * 4)
OTHER_BINARY = text(bytes(reversed(range(256))) * 4)
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12\n"
NOTHING = "None of the changed files has lines that this review looks at."


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """A change without a line to review, and what the review has to say of it."""

    base: Tree
    head: Tree
    says: tuple[str, ...]


def _submodule(digit: str) -> Entry:
    return SUBMODULE, digit.encode() * 40


ODD = {
    "b34-no-files": Odd(base={}, head={}, says=("0 of 0 files", "The pull request changes no files.")),
    "b34-only-deletions": Odd(base={"a.py": CODE, "b.py": CODE}, head={}, says=(NOTHING, "deleted: `a.py`, `b.py`")),
    "b34-only-renames": Odd(base={"a.py": CODE}, head={"b.py": CODE}, says=(NOTHING, "no changed lines: `b.py`")),
    "b34-only-binaries": Odd(
        base={"a.png": BINARY},
        head={"a.png": OTHER_BINARY, "b.ico": BINARY},
        says=(NOTHING, "binary: `a.png`, `b.ico`"),
    ),
    "b34-a-submodule-moved": Odd(
        base={"lib": _submodule("1")}, head={"lib": _submodule("2")}, says=(NOTHING, "submodule: `lib`")
    ),
    "b34-a-submodule-added": Odd(base={}, head={"lib": _submodule("1")}, says=(NOTHING, "submodule: `lib`")),
    "b34-a-mode": Odd(
        base={"a.py": CODE}, head={"a.py": (PROGRAM, CODE[1])}, says=(NOTHING, "no changed lines: `a.py`")
    ),
    "b34-an-lfs-pointer": Odd(
        base={"a.psd": text(POINTER.format("1" * 64))},
        head={"a.psd": text(POINTER.format("2" * 64))},
        says=(NOTHING, "binary: `a.psd`"),
    ),
    "b34-an-empty-file": Odd(base={}, head={"a.py": text("")}, says=(NOTHING, "no changed lines: `a.py`")),
    "b34-a-file-that-becomes-a-link": Odd(
        base={"a.py": CODE}, head={"a.py": (LINK, b"README")}, says=(NOTHING, "GitHub sent no patch: `a.py`")
    ),
    "b35-a-file-without-a-patch": Odd(
        base={}, head={"a.py": text("x = 1\n" * 20_001)}, says=(NOTHING, "too large: `a.py`")
    ),
    "b36-a-line-of-10-mb": Odd(
        base={}, head={"a.js": text(b"x" * 10_000_000 + b"\n")}, says=(NOTHING, "too large: `a.js`")
    ),
}  # fmt: skip


def expect_one_review(world: RealChanges) -> dict[str, Any]:
    """Hold what every change is owed: one whole review at the first try, one check run that ended."""
    assert isinstance(world.deliver(world.event()), Posted)
    posted = world.posted
    (review,) = posted["reviews"]
    (run,) = posted["check_runs"]
    assert (run["status"], run["head_sha"]) == ("completed", review["commit_id"])
    assert {request["status"] for request in world.github.requests} <= {200, 201, 404}
    assert world.github.violations == []
    return {**review, "check_run": run}


@pytest.mark.parametrize("name", ODD)
def test_a_change_without_a_line_to_review_gets_a_review_that_says_so(tmp_path: Path, name: str) -> None:
    odd = ODD[name]
    with open_change(tmp_path, KEPT | dict(odd.base), KEPT | dict(odd.head)) as world:
        review = expect_one_review(world)
    for sentence in ("nothing to review", *odd.says):
        assert sentence in review["body"], review["body"]
    assert review["comments"] == []
    assert review["check_run"]["conclusion"] == "neutral"
    assert review["check_run"]["output"]["title"].startswith("Nothing to review")


def test_b34_a_link_is_a_line_of_text(tmp_path: Path) -> None:
    head = {"a.py": (LINK, b"../../etc/passwd"), **KEPT}
    with open_change(tmp_path, KEPT, head) as world:
        assert "root:" not in expect_one_review(world)["body"]


def test_b35_of_3001_files_those_beyond_githubs_3000_are_counted(tmp_path: Path) -> None:
    head = {f"src/file_{number:04}.py": text(f"value = {number}\n") for number in range(3_001)}
    with open_change(tmp_path, KEPT, KEPT | head) as world:
        review = expect_one_review(world)
    assert re.search(r"incomplete, \d+ of \d+ agents failed", review["body"])
    assert "3,000 of 3,001 files" in review["body"]
    assert "beyond GitHub's limit of 3,000 files: `1 more file`" in review["body"]
    assert "the change is too large: 300 of 3,000 files were analyzed" in review["body"]
    # What a minute of GitHub's secondary limit allows, once and for all that the review needs.
    assert len(world.github.requests) < 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file that a finding is about, with a line that stands once, and which one it is for git and GitHub."""

    path: str
    content: bytes
    quote: str
    line: int


PLACES = {
    "b36-a-long-line": Place(path="a.js", content=b"x" * 200_000 + b"\nmarker = 1;\n", quote="marker = 1;", line=2),
    "b36-crlf": Place(path="a.py", content=b"a = 0\r\nb = 0\r\nmarker = 1\r\n", quote="marker = 1", line=3),
    "b36-cr-only": Place(path="a.py", content=b"a = 0\rb = 0\rmarker = 1", quote="marker = 1", line=1),
    "b36-no-newline": Place(path="a.py", content=b"a = 0\nmarker = 1", quote="marker = 1", line=2),
    "b36-form-feeds": Place(path="a.txt", content=b"a = 0\n\x0c\x0b\nmarker = 1\n", quote="marker = 1", line=3),
    "b36-u2028": Place(
        path="a.py", content="a = '\u2028\u2029\x85'\nmarker = 1\n".encode(), quote="marker = 1", line=2
    ),
    "b36-not-utf-8": Place(path="a.py", content=b"# \xff\xfe\nmarker = 1\n", quote="marker = 1", line=2),
    "b37-quote-and-tab": Place(path='"q\tb".py', content=b"marker = 1\n", quote="marker = 1", line=1),
    "b37-newline": Place(path="a\nb.py", content=b"marker = 1\n", quote="marker = 1", line=1),
    "b37-backslash": Place(path="a\\b.py", content=b"marker = 1\n", quote="marker = 1", line=1),
    "b37-arrow": Place(path="{a => b}.py", content=b"marker = 1\n", quote="marker = 1", line=1),
    "b37-4-kb": Place(path="/".join(["d" * 200] * 19) + "/a.py", content=b"marker = 1\n", quote="marker = 1", line=1),
    "b38-headers": Place(
        path="a.txt",
        content=b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-- a\n++ b\nmarker = 1\n",
        quote="marker = 1",
        line=7,
    ),
    "b39-conflict": Place(
        path="a.txt", content=b"<<<<<<< HEAD\n=======\n>>>>>>> b\nmarker = 1\n", quote="marker = 1", line=4
    ),
    "b39-binary-patch": Place(
        path="a.txt", content=b"GIT binary patch\nliteral 3\nKc$~\nmarker = 1\n", quote="marker = 1", line=4
    ),
}


def claim(place: Place) -> dict[str, Any]:
    """Make a model's finding: the quote is right, the line is not."""
    return {"path": place.path, "quote": place.quote, "line": 77, "severity": "high", "title": "Marked", "body": "B"}


@pytest.mark.parametrize("name", PLACES)
def test_a_comment_stands_on_the_line_that_github_counts(tmp_path: Path, name: str) -> None:
    place = PLACES[name]
    model = ReplayModel({"correctness": json.dumps({"findings": [claim(place)]})})
    with open_change(tmp_path, KEPT, KEPT | {place.path: text(place.content)}, model=model) as world:
        review = expect_one_review(world)
    (comment,) = [each for each in review["comments"] if "Marked" in each["body"]]
    assert (comment["path"], comment["line"], comment["side"]) == (place.path, place.line, "RIGHT")


def test_b36_thousands_of_hunks_are_one_review(tmp_path: Path) -> None:
    lines = [f"value_{number} = {number}" for number in range(12_000)]
    changed = [f"{line}0" if number % 8 == 0 else line for number, line in enumerate(lines)]
    base, head = (KEPT | {"a.py": text("\n".join(each))} for each in (lines, changed))
    with open_change(tmp_path, base, head) as world:
        assert "1 of 1 file" in expect_one_review(world)["body"]


def _null(*path: str) -> Rewrite:
    """Let GitHub say null at a place of the pull request."""

    def rewrite(url: str, document: Any) -> Any:
        if re.fullmatch(r"/repos/[^/]+/[^/]+/pulls/\d+", url):
            place = document
            for name in path[:-1]:
                place = place[name]
            place[path[-1]] = None
        return document

    return rewrite


def _everywhere(change: Callable[[dict[str, Any]], None]) -> Rewrite:
    """Change every object of every answer of the repository."""

    def rewrite(url: str, document: Any) -> Any:
        if isinstance(document, dict) and url.startswith("/repos/"):
            change(document)
        for value in document if isinstance(document, list) else []:
            if isinstance(value, dict):
                change(value)
        return document

    return rewrite


def _add_field(document: dict[str, Any]) -> None:
    document["brand_new"] = {"field": [None]}


def _new_values(document: dict[str, Any]) -> None:
    for name in ("author_association", "mergeable_state", "conclusion"):
        if document.get(name) is not None:
            document[name] = "brand-new"
    if "filename" in document:
        document["status"] = "brand-new"


def _forget(document: dict[str, Any]) -> None:
    for name in ("draft", "title", "body", "previous_filename", "blob_url", "changes", "_links", "app", "output"):
        document.pop(name, None)


ANSWERS: dict[str, Rewrite] = {
    "b96-a-deleted-author": _null("user"),
    "b96-a-deleted-fork": _null("head", "repo"),
    "b96-no-description": _null("body"),
    "b96-unknown-fields": _everywhere(_add_field),
    "b96-new-enum-values": _everywhere(_new_values),
    "b96-missing-fields": _everywhere(_forget),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_github_leaves_out_or_adds_is_no_hindrance(tmp_path: Path, name: str) -> None:
    with open_change(tmp_path, KEPT, KEPT | {"a.py": CODE}, rewrite=ANSWERS[name]) as world:
        assert expect_one_review(world)["comments"]


def test_b96_an_answer_of_other_kinds_is_waited_out_and_then_reviewed(tmp_path: Path) -> None:
    def text_for_number(url: str, document: Any) -> Any:
        if url.endswith("/pulls/1") and world.now < NOW + timedelta(hours=1):
            document |= {"number": "one", "head": None}
        return document

    with open_change(tmp_path, KEPT, KEPT | {"a.py": CODE}, rewrite=text_for_number) as world:
        expect_one_review(world)
        assert world.now >= NOW + timedelta(hours=1)
