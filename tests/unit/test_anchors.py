"""Where a claim is put, rule by rule, and what is not believed."""

import pytest

from codereview.domain.anchors import anchor
from codereview.domain.change import Change, FileChange, FileStatus, RowKind
from codereview.domain.diff import parse_patch
from codereview.domain.finding import Candidate, Finding, Placement, Severity, Side
from codereview.domain.masking import mask_secrets
from codereview.domain.merging import merge
from codereview.domain.quotes import Fit, Lines, find

_PATCH = b"""@@ -10,8 +10,9 @@ def total(items):
 def total(items):
-    amount = 0
+    amount = Decimal(0)
+    currency = items[0].currency
     for item in items:
-        amount += item.price
+        amount += item.price * item.count
     if not items:
         return None

     return amount
@@ -40,5 +42,6 @@ def report(items):
 def report(items):
     if not items:
         return None
+        log("nothing sold")
     print(total(items))
     return True"""
_HEAD = "\n".join(
    [
        *["# one of the lines above"] * 8,
        "CURRENCIES = load_currencies_from_the_bank()",
        *(row.text.decode() for row in parse_patch(_PATCH)[0].rows if row.kind is not RowKind.REMOVED),
        *["    # between the hunks"] * 23,
        *(row.text.decode() for row in parse_patch(_PATCH)[1].rows if row.kind is not RowKind.REMOVED),
    ]
).encode()
_FILE = FileChange(path="shop/Cart.py", status=FileStatus.MODIFIED, hunks=parse_patch(_PATCH))
_SECOND = FileChange(
    path="shop/price.py",
    old_path="shop/cost.py",
    status=FileStatus.RENAMED,
    hunks=parse_patch(b"@@ -1,2 +1,2 @@\n-RATE = 3\n+RATE = 4\n def price(item):"),
)


def _change(*files: FileChange) -> Change:
    return Change(base_sha="0" * 40, head_sha="1" * 40, files=files or (_FILE, _SECOND), file_count=len(files))


def _claim(
    quote: str, line: int | None = None, *, path: str = "shop/Cart.py", suggestion: str | None = None
) -> Candidate:
    return Candidate(
        agent="correctness",
        rule="bug",
        severity=Severity.HIGH,
        path=path,
        quote=quote,
        title="T",
        body="B",
        line=line,
        suggestion=suggestion,
    )


def _anchored(claim: Candidate, *files: FileChange) -> Finding:
    return anchor(claim, _change(*files), lambda path: _HEAD if path == "shop/Cart.py" else None)


def _lines(finding: Finding) -> tuple[Side, int, int] | None:
    place = finding.anchor
    return None if place is None else (place.side, place.start_line or place.line, place.line)


_COUNT = "        amount += item.price * item.count"


@pytest.mark.parametrize(
    "path",
    [f"{prefix}shop/Cart.py" for prefix in ("", "a/", "b/", "./", "/")] + ["shop/cart.py", "`shop/Cart.py`"],
)
def test_rule_1_a_path_is_found_with_the_prefixes_and_the_case_that_models_give_it(path: str) -> None:
    finding = _anchored(_claim(_COUNT, path=path))
    assert (finding.path, _lines(finding)) == ("shop/Cart.py", (Side.RIGHT, 14, 14))


def test_rule_1_a_renamed_file_is_found_by_its_old_name_too() -> None:
    assert _anchored(_claim("RATE = 4", path="shop/cost.py")).path == "shop/price.py"


@pytest.mark.parametrize(
    "quote",
    [
        pytest.param("amount += item.price * item.count", id="stripped"),
        pytest.param("\tamount  +=  item.price*item.count", id="white space"),
        pytest.param("+        amount += item.price * item.count", id="a diff's sign"),
        pytest.param("    14 +         amount += item.price * item.count", id="row as shown"),
        pytest.param("14: amount += item.price * item.count", id="numbered"),
        pytest.param("```py\namount += item.price * item.count\n```", id="fenced"),
        pytest.param("        amount += item.pri...", id="ellipsis"),
        pytest.param("+= item.price * item.", id="piece"),
        pytest.param("amount += item.prices * item.cuont", id="typos"),
        pytest.param("amount +\u200b= item.price * item.count", id="hidden character"),
    ],
)
@pytest.mark.parametrize("line", [None, 1, 14, 17, 9_999, -1, 0])
def test_rule_2_a_quote_is_found_however_it_was_copied_and_whatever_the_number(quote: str, line: int | None) -> None:
    assert _lines(_anchored(_claim(quote, line))) == (Side.RIGHT, 14, 14)


@pytest.mark.parametrize(("line", "expected"), [(15, 15), (43, 43), (44, 43), (40, 43), (13, 15), (18, 15), (None, 15)])
def test_rule_2_among_equal_lines_the_number_decides(line: int | None, expected: int) -> None:
    assert _lines(_anchored(_claim("    if not items:", line))) == (Side.RIGHT, expected, expected)


def test_rule_2_among_equal_lines_one_that_the_change_made_comes_before_a_nearer_one() -> None:
    patch = b"@@ -1,9 +1,10 @@\n x = 1\n a\n b\n c\n d\n e\n f\n g\n h\n+x = 1"
    file = FileChange(path="x.py", status=FileStatus.MODIFIED, hunks=parse_patch(patch))
    assert _lines(_anchored(_claim("x = 1", 5, path="x.py"), file)) == (Side.RIGHT, 10, 10)
    assert _lines(_anchored(_claim("x = 1", 2, path="x.py"), file)) == (Side.RIGHT, 1, 1)


def test_rule_2_of_places_that_overlap_the_one_that_begins_at_the_number_is_meant() -> None:
    patch = b"@@ -0,0 +1,4 @@\n+      })\n+    })\n+  })\n+})"
    file = FileChange(path="x.js", status=FileStatus.ADDED, hunks=parse_patch(patch))
    for first in (1, 2, 3):
        assert _lines(_anchored(_claim("})\n})", first, path="x.js"), file)) == (Side.RIGHT, first, first + 1)


def test_rule_2_lines_that_differ_in_indentation_alone_are_told_apart_by_it() -> None:
    patch = b"@@ -0,0 +1,4 @@\n+      })\n+    })\n+  })\n+})"
    file = FileChange(path="x.js", status=FileStatus.ADDED, hunks=parse_patch(patch))
    assert _lines(_anchored(_claim("    })\n  })", path="x.js"), file)) == (Side.RIGHT, 2, 3)


def test_rule_2_a_line_that_was_left_out_of_the_quote_is_taken_in() -> None:
    quote = "    amount = Decimal(0)\n    for item in items:"
    assert _lines(_anchored(_claim(quote, 11))) == (Side.RIGHT, 11, 13)


def test_rule_2_of_similar_lines_the_most_similar_is_taken() -> None:
    rows = [
        b"assert allowed(Status.NO_CONTENT)",
        b"assert allowed(Status.CONTENT)",
        b"assert allowed(Status.PARTIAL, deep)",
    ]
    patch = b"@@ -0,0 +1,3 @@\n+" + b"\n+".join(rows)
    file = FileChange(path="x.py", status=FileStatus.ADDED, hunks=parse_patch(patch))
    quote = "assert allowed(Status.NO_CONTENT)\nassert allowed(Status.PARTIAL, deep)"
    assert _lines(_anchored(_claim(quote, path="x.py"), file)) == (Side.RIGHT, 1, 3)


@pytest.mark.parametrize(("quote", "lines"), [("\n    return amount", (17, 18)), ("        return None\n", (16, 17))])
def test_blank_lines_that_were_quoted_are_a_part_of_the_place(quote: str, lines: tuple[int, int]) -> None:
    assert _lines(_anchored(_claim(quote, lines[0]))) == (Side.RIGHT, *lines)


@pytest.mark.parametrize(("line", "expected"), [(13, 13), (44, 44), (None, None), (9_999, None), (0, None), (30, None)])
def test_rule_3_without_a_quote_the_number_counts_if_it_lies_in_the_diff(
    line: int | None, expected: int | None
) -> None:
    finding = _anchored(_claim("", line))
    if expected is None:
        assert (finding.placement, finding.anchor, finding.candidate.line) == (Placement.FILE, None, None)
    else:
        assert _lines(finding) == (Side.RIGHT, expected, expected)


def test_rule_3_a_number_that_counts_rows_instead_of_lines_is_understood() -> None:
    # The heading of the file, that of the hunk, eleven rows, a heading: the second hunk's fourth row is the 18th...
    patch = _PATCH.replace(b"+10,9", b"+110,9").replace(b"+42,6", b"+142,6")
    file = FileChange(path="x.py", status=FileStatus.MODIFIED, hunks=parse_patch(patch))
    assert _lines(_anchored(_claim("", 18, path="x.py"), file)) == (Side.RIGHT, 145, 145)
    assert _lines(_anchored(_claim("    if not items:", 16, path="x.py"), file)) == (Side.RIGHT, 143, 143)
    # ... and GitHub counts it as position 16; of equal lines, that may be what is meant too.
    assert _lines(_anchored(_claim("    if not items:", 14, path="x.py"), file)) == (Side.RIGHT, 143, 143)


@pytest.mark.parametrize("quote", ["...", "//...", "}", "x y"])
def test_rule_3_a_quote_that_tells_nothing_counts_as_none(quote: str) -> None:
    assert _lines(_anchored(_claim(quote, 12))) == (Side.RIGHT, 12, 12)


@pytest.mark.parametrize(
    "quote", ["        amount += item.price", "       -         amount += item.price", "-  amount = 0"]
)
def test_rule_4_what_stands_in_deleted_rows_only_is_anchored_on_the_left(quote: str) -> None:
    finding = _anchored(_claim(quote, 12))
    assert finding.anchor is not None
    assert finding.anchor.side is Side.LEFT
    assert finding.text.strip() in ("amount += item.price", "amount = 0")


def test_rule_4_of_moved_lines_the_deleted_ones_are_meant_where_the_number_says_so() -> None:
    rows = b"".join(b"\n line %d" % number for number in range(8))
    patch = b"@@ -20,9 +20,9 @@\n-moved_line(a, b)" + rows + b"\n+moved_line(a, b)"
    file = FileChange(path="x.py", status=FileStatus.MODIFIED, hunks=parse_patch(patch))
    assert _lines(_anchored(_claim("moved_line(a, b)", 20, path="x.py"), file)) == (Side.LEFT, 20, 20)
    assert _lines(_anchored(_claim("moved_line(a, b)", 28, path="x.py"), file)) == (Side.RIGHT, 28, 28)
    assert _lines(_anchored(_claim("moved_line(a, b)", 27, path="x.py"), file)) == (Side.RIGHT, 28, 28)
    shown = _claim("       - moved_line(a, b)", None, path="x.py")
    assert _lines(_anchored(shown, file)) == (Side.LEFT, 20, 20)


def test_code_that_stands_in_many_places_is_told_of_its_file_though_the_file_cannot_be_read() -> None:
    rows = b"\n".join(b"+    return response.status(401)\n+    end(%d)" % number for number in range(4))
    file = FileChange(path="x.js", status=FileStatus.MODIFIED, hunks=parse_patch(b"@@ -0,0 +1,8 @@\n" + rows))
    finding = _anchored(_claim("    return response.status(401)", None, path="x.js"), file)
    assert (finding.placement, finding.path, finding.candidate.line) == (Placement.FILE, "x.js", None)


_STEPS = FileChange(
    path="ci.yml",
    status=FileStatus.MODIFIED,
    hunks=parse_patch(
        b"@@ -10,5 +10,5 @@\n     steps:\n-      -\n-        name: Checkout\n"
        b"+      - name: Checkout\n \n+```sh\n     end"
    ),
)


def test_a_removed_row_is_not_taken_for_the_item_of_a_list() -> None:
    assert _lines(_anchored(_claim("       -         name: Checkout", 12, path="ci.yml"), _STEPS)) == (
        Side.LEFT,
        12,
        12,
    )
    assert _lines(_anchored(_claim("      - name: Checkout", 11, path="ci.yml"), _STEPS)) == (Side.RIGHT, 11, 11)


def test_a_line_that_looks_like_a_fence_does_not_hide_the_blank_one_before_it() -> None:
    assert _lines(_anchored(_claim("\n```sh", 12, path="ci.yml"), _STEPS)) == (Side.RIGHT, 12, 13)
    fenced = "```python\n    currency = items[0].currency\n    for item in items:\n```"
    assert _lines(_anchored(_claim(fenced, 12))) == (Side.RIGHT, 12, 13)


@pytest.mark.parametrize("line", [None, 40])
def test_a_copy_with_a_wrong_word_is_found_where_only_one_changed_line_is_like_it(line: int | None) -> None:
    assert _lines(_anchored(_claim("    currency = result[0].currency", line))) == (Side.RIGHT, 12, 12)
    assert _anchored(_claim("    raise CurrencyError(result, self.currency)", line)).placement is Placement.DROPPED
    two = b"@@ -1,0 +1,2 @@\n+    first = items[0].currency\n+    final = items[0].currency"
    file = FileChange(path="x.go", status=FileStatus.ADDED, hunks=parse_patch(two))
    claim = _claim("    other = things[0].currency", line, path="x.go")
    assert _anchored(claim, file).placement is Placement.DROPPED


_C = FileChange(
    path="a.c",
    status=FileStatus.ADDED,
    hunks=parse_patch(
        b"@@ -0,0 +1,14 @@\n"
        b"+/*\n+ * Counts.\n+ * Returns how many there are of them.\n+ */\n"
        b"+int count_all(struct list *list) {\n+\tif (list->is_empty) {\n+\t\treturn 0;\n+\t}\n"
        b"+\tcontinue_with(list);\n+\n+\tmark_as_seen(list, list->first);\n+\treturn list->length;\n+}\n+```sh"
    ),
)


@pytest.mark.parametrize(
    ("quote", "line", "lines"),
    [
        pytest.param("/*\n...\n * Returns how many there are of them.", 1, (1, 3), id="a short beginning"),
        pytest.param("int count_all(struct list *list) {\n\t// ...\n}", None, (5, 13), id="a bracket as an end"),
        pytest.param("\tif (list->is_empty) {\n    ...\n\t}", None, (6, 8), id="an indented bracket as an end"),
        pytest.param(
            "\tcontinue_with(list);\n\n\tmark_as_seen(item, data->first);", 9, (9, 11), id="a word in the end"
        ),
        pytest.param("```\n}\n```sh\n```", None, (13, 14), id="a fence in a fence"),
        pytest.param("\tcontinue_with(all_of_it);\n\tunlike = 3;", 9, (9, 9), id="another line behind"),
    ],
)
def test_a_quote_of_several_lines_keeps_its_first_and_its_last(
    quote: str, line: int | None, lines: tuple[int, int]
) -> None:
    assert _lines(_anchored(_claim(quote, line, path="a.c"), _C)) == (Side.RIGHT, *lines)


def test_a_gap_between_lines_that_stand_everywhere_is_not_searched_for_in_all_of_them() -> None:
    def places(number: int) -> int:
        texts = Lines(["}", "middle();"] * number)
        return len(find("}\n...\n}", texts, [Fit.ABRIDGED]))

    assert places(100) == 99
    assert places(20_000) == 0


def test_removed_rows_may_be_left_out_in_the_middle() -> None:
    quote = '       - def test_index():\n    ...\n       -     base_python = ["3.13"]'
    assert _lines(_anchored(_claim(quote, 20, path="x.py"), _EDITED)) == (Side.LEFT, 20, 22)


def test_a_number_does_not_decide_where_a_bracket_stands_that_is_not_there() -> None:
    rows = b"\n".join(b"+start(%d);\n+more(%d);\n+work(%d);\n+rest(%d);\n+}" % ((n,) * 4) for n in range(5))
    file = FileChange(path="x.js", status=FileStatus.ADDED, hunks=parse_patch(b"@@ -0,0 +1,25 @@\n" + rows))
    assert _lines(_anchored(_claim("}", 10, path="x.js"), file)) == (Side.RIGHT, 10, 10)
    assert _lines(_anchored(_claim("}", 200, path="x.js"), file)) is None
    assert _lines(_anchored(_claim("];", 8, path="x.js"), file)) == (Side.RIGHT, 8, 8)


_EDITED = FileChange(
    path="x.py",
    status=FileStatus.MODIFIED,
    hunks=parse_patch(
        b"@@ -20,5 +20,5 @@\n def test_index():\n \n"
        b'-    base_python = ["3.13"]\n+    base_python = ["3.14"]\n     end()\n }'
    ),
)


@pytest.mark.parametrize(
    ("quote", "lines"),
    [
        pytest.param('       - \n       -     base_python = ["3.13"]', (21, 22), id="a blank row before it"),
        pytest.param('    21   \n    22 +     base_python = ["3.14"]', (21, 22), id="a blank row of the new side"),
        pytest.param('       -     base_pithon = ["3.13"]', (22, 22), id="a mistake, though the new line is as alike"),
        pytest.param(
            '       - def test_value():\n       - \n       -     base_python = ["3.13"]', (20, 22), id="a word"
        ),
    ],
)
def test_rows_quoted_as_they_were_shown_keep_their_side_and_their_blank_lines(
    quote: str, lines: tuple[int, int]
) -> None:
    side = Side.LEFT if quote.startswith("       -") else Side.RIGHT
    assert _lines(_anchored(_claim(quote, 22, path="x.py"), _EDITED)) == (side, *lines)


def test_rule_5_a_range_over_two_hunks_shrinks_to_its_first_line() -> None:
    assert _lines(_anchored(_claim("    return amount\ndef report(items):", 18))) == (Side.RIGHT, 18, 18)


def test_rule_6_what_has_no_place_is_kept_and_clamped_to_no_line() -> None:
    assert _anchored(_claim("", 9_999)).placement is Placement.FILE
    assert _anchored(_claim("", 3, path="no/such/file.py")).placement is Placement.BODY


def test_rule_7_code_that_the_change_left_alone_is_listed_under_its_file_at_its_line() -> None:
    finding = _anchored(_claim("CURRENCIES = load_currencies_from_the_bank()", 300))
    assert (finding.placement, finding.anchor, finding.candidate.line) == (Placement.FILE, None, 9)


@pytest.mark.parametrize("path", ["shop/Cart.py", "no/such/file.py"])
def test_rule_8_code_that_stands_nowhere_is_not_believed(path: str) -> None:
    finding = _anchored(_claim("os.system(request.args['command'])", 12, path=path))
    assert (finding.placement, finding.anchor) == (Placement.DROPPED, None)


def test_a_wrong_path_does_not_hide_code_that_stands_in_one_place_only() -> None:
    finding = _anchored(_claim(_COUNT, path="no/such/file.py"))
    assert (finding.path, _lines(finding)) == ("shop/Cart.py", (Side.RIGHT, 14, 14))


@pytest.mark.parametrize(
    ("quote", "suggestion", "is_offered"),
    [
        ("    currency = items[0].currency", "    currency = first(items).currency", True),
        ("currency = items[0].currency", "currency = first(items).currency", False),
        ("    currency = items[0].currency", "    currency = first(items.currency", False),
        ("    currency = items[0].currency", "    currency = items[0].currency", False),
        ("    currency = items[0].currency", "    currency = = 3", False),
        ("    currency = items[0]...", "    currency = first(items).currency", False),
    ],
)
def test_rule_9_a_suggestion_is_offered_only_for_the_quoted_lines_and_if_the_file_still_parses(
    quote: str, suggestion: str, *, is_offered: bool
) -> None:
    finding = _anchored(_claim(quote, 12, suggestion=suggestion))
    assert _lines(finding) == (Side.RIGHT, 12, 12)
    assert finding.is_suggestion_applicable is is_offered


_KEY = b"ghp_" + b"0123456789abcdefghijklmnopqrstuvwxyz"


def test_b54_a_quote_of_the_change_as_models_see_it_finds_the_rows_whose_secrets_are_masked() -> None:
    pem = [b"-----BEGIN RSA PRIVATE KEY-----", *[b"MIIEow" + b"%02d" % n + b"Q" * 56 for n in range(4)]]
    rows = [b'OTHER = "1"', b'TOKEN = "%s"' % _KEY, b'SPARE = "%s"' % _KEY[::1], *pem, b"-----END RSA PRIVATE KEY-----"]
    patch = b"@@ -0,0 +1,%d @@\n" % len(rows) + b"\n".join(b"+" + row for row in rows)
    file = FileChange(path="x.py", status=FileStatus.ADDED, hunks=parse_patch(patch))
    shown = mask_secrets("\n".join(row.decode() for row in rows)).split("\n")
    assert shown[1] == 'TOKEN = "[masked github-token]"'
    for number, row in enumerate(shown, 1):
        finding = _anchored(_claim(row, number, path="x.py"), file)
        assert _lines(finding) == (Side.RIGHT, number, number)
        assert finding.text.encode() == rows[number - 1]
    assert _lines(_anchored(_claim("\n".join(shown[3:6]), 4, path="x.py"), file)) == (Side.RIGHT, 4, 6)


def test_b54_masked_code_outside_of_the_diff_is_found_in_the_head() -> None:
    head = b"a = 1\n" * 30 + b'def connect_to_the_database(x): return x("%s")\n' % _KEY
    claim = _claim('def connect_to_the_database(x): return x("[masked github-token]")', path="shop/Cart.py")
    finding = anchor(claim, _change(), lambda _: head)
    assert (finding.placement, finding.candidate.line) == (Placement.FILE, 31)


# --- the same finding after a push


def _pushed(patch: bytes, *, path: str = "shop/Cart.py", old_path: str | None = None) -> str:
    status = FileStatus.RENAMED if old_path else FileStatus.MODIFIED
    file = FileChange(path=path, old_path=old_path, status=status, hunks=parse_patch(patch))
    return anchor(_claim(_COUNT, path=path), _change(file), lambda _: None).fingerprint


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(_PATCH.replace(b"@@ -10,8 +10,9 @@", b"@@ -110,8 +210,9 @@"), id="moved down"),
        pytest.param(_PATCH.replace(b"        amount +=", b"    amount +="), id="indented anew"),
        pytest.param(_PATCH.replace(b"price * item", b"price*item"), id="formatted anew"),
        pytest.param(_PATCH.replace(b"currency", b"coin"), id="other code around it"),
        pytest.param(b"@@ -0,0 +1 @@\n+\t" + _COUNT.encode() + b"\n" + _PATCH, id="equal code above it"),
        pytest.param(
            _PATCH.replace(b"+        amount", b"         amount").replace(b"-10,8", b"-10,9"), id="no longer a change"
        ),
    ],
)
def test_a_finding_keeps_its_fingerprint_over_a_push_or_a_rebase(patch: bytes) -> None:
    assert _pushed(patch) == _pushed(_PATCH)


def test_a_finding_keeps_its_fingerprint_over_a_rename_and_out_of_the_diff() -> None:
    assert _pushed(_PATCH, path="shop/basket.py", old_path="shop/Cart.py") == _pushed(_PATCH)
    elsewhere = FileChange(path="shop/Cart.py", status=FileStatus.MODIFIED, hunks=parse_patch(b"@@ -0,0 +1 @@\n+#"))
    finding = anchor(_claim(_COUNT), _change(elsewhere), lambda _: _HEAD)
    assert (finding.placement, finding.fingerprint) == (Placement.FILE, _pushed(_PATCH))


def test_another_text_path_or_rule_is_another_finding() -> None:
    others = [
        _anchored(_claim("    currency = items[0].currency")).fingerprint,
        _pushed(_PATCH, path="shop/other.py"),
        anchor(
            Candidate(
                agent="a", rule="leak", severity=Severity.LOW, path="shop/Cart.py", quote=_COUNT, title="", body=""
            ),
            _change(),
            lambda _: None,
        ).fingerprint,
    ]
    assert len({*others, _pushed(_PATCH)}) == 4


def test_the_words_of_a_claim_do_not_change_its_fingerprint_and_two_of_one_place_have_two() -> None:
    patch = b"@@ -0,0 +1,2 @@\n+do_it(now)\n+do_it(now)"
    file = FileChange(path="x.py", status=FileStatus.ADDED, hunks=parse_patch(patch))
    found = [_anchored(_claim("do_it(now)", line, path="x.py"), file) for line in (1, 2)]
    assert found[0].fingerprint == found[1].fingerprint
    first, second = merge(found)
    assert first.fingerprint != second.fingerprint
    assert [finding.fingerprint for finding in merge(reversed(found))] == [first.fingerprint, second.fingerprint]
