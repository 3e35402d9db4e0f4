"""docs/reliability.md and the tests agree: every number once, every test there is, every code of a test in the page."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reliability.md").read_text()
FAULTS, INPUTS = 68, 104
NOT_YET = "not yet"
_ROW = re.compile(r"^\| ([FB]\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_IN_NAME = re.compile(r"(?<=_)[bf]\d{1,3}(?=_|$)")
_RANGE_IN_NAME = re.compile(r"_([bf])(\d{1,3})_to_[bf](\d{1,3})(?=_)")
_IN_ID = re.compile(r"[bBfF]\d{1,3}(?=[-_ ])")


def rows() -> dict[str, str]:
    """Return each number with what shows it."""
    return {number: shown for number, _, _, shown in _ROW.findall(PAGE)}


@cache
def trees() -> tuple[ast.Module, ...]:
    files = [path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]
    return tuple(ast.parse(path.read_text()) for path in files)


def names_of_tests() -> Iterator[str]:
    """Name every test function."""
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield node.name


def ids() -> Iterator[str]:
    """Give every text that begins like the id of a case with a number."""
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= 100:
                yield node.value


def codes_of(name: str) -> set[str]:
    """Read the numbers in a test's name, `b22_to_b26` too."""
    codes = {code.upper() for code in _IN_NAME.findall(name)}
    for letter, first, last in _RANGE_IN_NAME.findall(name):
        codes |= {f"{letter.upper()}{number}" for number in range(int(first), int(last) + 1)}
    return codes


def test_every_number_is_listed_once_and_in_order() -> None:
    listed = re.findall(r"^\| ([FB]\d+) \|", PAGE, re.MULTILINE)
    assert [number for number, times in Counter(listed).items() if times > 1] == []
    assert listed == [f"F{number}" for number in range(1, FAULTS + 1)] + [f"B{n}" for n in range(1, INPUTS + 1)]
    assert list(rows()) == listed  # each line is a whole row


def test_every_row_names_tests_that_exist_or_admits_that_there_is_none() -> None:
    known = set(names_of_tests())
    for number, shown in rows().items():
        named = re.findall(r"`(\w+)`", shown)
        assert shown == NOT_YET or named, number
        assert shown == NOT_YET or shown == ", ".join(f"`{name}`" for name in named), number
        assert set(named) <= known, (number, set(named) - known)


def test_what_a_test_has_the_number_of_is_not_said_to_have_none() -> None:
    codes = {code for name in names_of_tests() for code in codes_of(name)}
    codes |= {match[0].upper() for text in ids() if (match := _IN_ID.match(text))}
    shown = {number for number, by in rows().items() if by != NOT_YET}
    assert codes
    assert codes <= shown, f"docs/reliability.md has to say what {sorted(codes - shown)} is shown by"


def test_numbers_are_read_from_names() -> None:
    assert codes_of("test_f28_f41_f42_whatever") == {"F28", "F41", "F42"}
    assert codes_of("test_b22_to_b24_what_is_not") == {"B22", "B23", "B24"}
    assert codes_of("test_a_sha_256_b_and_utf8") == set()
