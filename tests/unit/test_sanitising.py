"""A model's Markdown is harmless once it is sanitised, by the judgement of GitHub's own renderer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codereview.domain.sanitising import sanitise
from tests.unit.github_page import assert_harmless, rendered
from tests.unit.growth import assert_no_worse_than_linear

_FRAGMENTS = (
    "@everyone", "@org/team", "@", "/approve", "/", "fixes #1", "#12", "GH-7", "![x](https://evil.example/?d=1)",
    "user", "<img src=x>", "<script>", "<details>", "<!--", "-->", "<a@b.example>", "<https://x.example>",
    "javascript:alert(1)", "[a](", ")", "[", "]", "(", "https://evil.example", "www.evil.example", "a@b.example",
    "`", "``", "```", "````", "~~~", "~~~~ ", "```mermaid", "```suggestion", "\n", "\n", "\n\n", "\n    ", "  ",
    "    ", "\t", "- ", "1. ", "> ", ">", "# ", "* ", "+ ", "---", "--|--", "| ", "|", ":-:", "===", "$", "$$",
    "\\", "\\\\", "&#64;", "&commat;", "&", "amp;", "&lt;", "&grave;", "&bsol;", "\u200b", "&#8203;", "\u202e",
    "\U000e0041", "\ufe0f", "\U000f0000", "*", "_", "**", "~~", "text", "a", "word word", '"title"', "[^1]",
    "[^1]: ", "[a]: ", ":", "!", ".", "x", "1", "\r", "\r\n", "\x1b[31m", "\x0c", "https://docs.python.org/3/",
    "[d](https://docs.python.org/3/)", "\u2028", "\ud800", "`" * 80, "`" * 81, "`" * 255, "`" * 256, "~" * 256,
)  # fmt: skip
markdowns = st.lists(st.sampled_from(_FRAGMENTS) | st.text(max_size=3), max_size=25).map("".join)


@settings(max_examples=400)
@given(markdowns)
def test_nothing_in_sanitised_text_is_live(markdown: str) -> None:
    assert_harmless(sanitise(markdown))


@settings(max_examples=400)
@given(markdowns)
def test_sanitising_twice_is_sanitising_once(markdown: str) -> None:
    once = sanitise(markdown)
    assert sanitise(once) == once


_WORDS = st.sampled_from(
    ["Plain", "words", "with a_name", "and *stress*", "of **weight**", "(in brackets)", "100 %", "x < y"]
)
_CODE_WORDS = st.sampled_from(
    [
        "@user",
        "/approve",
        "fixes #1",
        "<b>",
        "![x](https://evil.example)",
        "a|b",
        "$x$",
        "~~~",
        "\\",
        "&amp;",
        "x",
        " ",
        "\u200b",
    ]
)
_SPANS = st.lists(_CODE_WORDS, min_size=1, max_size=3).map(lambda words: f"`{' '.join(words)}`")
_DOUBLE_SPANS = st.lists(_CODE_WORDS, min_size=1, max_size=3).map(lambda words: f"`` {' ` '.join(words)} ``")
_PARAGRAPHS = st.lists(_WORDS | _SPANS | _DOUBLE_SPANS, min_size=1, max_size=5).map(" ".join)
_CODE_LINES = st.lists(_CODE_WORDS | st.sampled_from(["", "``", "  indented", "\tx"]), max_size=4)


@st.composite
def _fences(draw: st.DrawFn) -> str:
    marker = draw(st.sampled_from(["```", "````", "~~~", "~~~~~"]))
    lines = [line for line in draw(_CODE_LINES) if not line.startswith(marker[0] * 3)]
    return "\n".join([marker + draw(st.sampled_from(["", "py", "c++", "diff"])), *lines, marker])


def _indented(text: str, lead: str) -> str:
    first, *others = text.split("\n")
    return "\n".join([lead + first, *(" " * len(lead) + line if line else line for line in others)])


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))


_BLOCKS = _PARAGRAPHS | _fences() | _PARAGRAPHS.map(lambda text: f"## {text}")
_NESTED = (
    _BLOCKS
    | _BLOCKS.map(lambda text: _indented(text, "- "))
    | _BLOCKS.map(lambda text: _indented(text, "1. "))
    | _BLOCKS.map(_quoted)
    | _BLOCKS.map(lambda text: _indented(_indented(text, "- "), "- "))
    | _BLOCKS.map(lambda text: _quoted(_indented(text, "* ")))
)


@settings(max_examples=300)
@given(st.lists(_NESTED, max_size=4).map("\n\n".join))
def test_code_stays_byte_identical(markdown: str) -> None:
    assert rendered(sanitise(markdown)).code == rendered(markdown).code


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        pytest.param("Thanks @everyone and @org/team.", "Thanks `@everyone` and `@org/team`.", id="b53-mention"),
        pytest.param("\\@a &#64;b &commat;c @\u200bd", "`@a` `@b` `@c` `@d`", id="b53-mention in disguise"),
        pytest.param("@dependabot merge", "`@dependabot` merge", id="b53-bot"),
        pytest.param("/approve\n- /close\n> **/lgtm**", "`/approve`\n- `/close`\n> **`/lgtm`**", id="b53-command"),
        pytest.param("bors r+", "`bors r+`", id="b53-command without a slash"),
        pytest.param("It is in /etc/passwd.", "It is in /etc/passwd.", id="a path in a sentence"),
        pytest.param("fixes #1, closes: a/b#2, GH-3", "fixes `#1`, closes: `a/b#2`, `GH-3`", id="b53-closing keyword"),
        pytest.param(
            "![x](https://evil/?d=1) [y](https://evil/ 't')",
            "x (`https://evil/?d=1`) y (`https://evil/`)",
            id="b53-image",
        ),
        pytest.param("[x](javascript:alert(1))", "x (`javascript:alert(1)`)", id="b53-javascript"),
        pytest.param("[x](data:text/html,y)", "x (`data:text/html,y`)", id="b53-data"),
        pytest.param("<img onerror=x> <!-- y", "&lt;img onerror=x> &lt;!-- y", id="b53-html"),
        pytest.param("<details>\n\nx", "&lt;details>\n\nx", id="b53-unclosed details"),
        pytest.param("x[^1]\n\n[^1]: y", "x\\[^1\\]\n\n\\[^1\\]: y", id="b53-footnote"),
        pytest.param("a | b\n--|--\n1 | 2", "a | b\n\\--|--\n1 | 2", id="b53-table"),
        pytest.param("```\nx", "```\nx\n```", id="b53-fence left open"),
        pytest.param("x ``` y", r"x \`\`\` y", id="b53-stray backticks"),
        pytest.param("```suggestion\nx\n```", "```text\nx\n```", id="b53-suggestion"),
        pytest.param("~~~Mermaid\nx\n~~~", "~~~text\nx\n~~~", id="b53-mermaid"),
        pytest.param("$\\href{https://x}{y}$ costs $5", "`$`\\\\`href{https://x}{y}$` costs `$5`", id="b53-math"),
        pytest.param("a\U000e0041\u202eb\x1b[31m", "ab\\[31m", id="b53-tag characters and ANSI"),
        pytest.param("See https://evil.example/x.", "See `https://evil.example/x`.", id="bare link"),
        pytest.param(
            "See www.evil.example or a@b.example", "See `www.evil.example` or `a@b.example`", id="link without scheme"
        ),
        pytest.param(
            "[1]: https://evil 'x'\n\n[a][1]", "\\[1\\]: `https://evil` 'x'\n\n\\[a\\]\\[1\\]", id="link definition"
        ),
        pytest.param(
            "[d](https://docs.python.org/3/ 'title')",
            "[d](https://docs.python.org/3/)",
            id="link on the list, its title off",
        ),
        pytest.param(
            "[d](https://docs.python.org/3/?q=secret)",
            "d (`https://docs.python.org/3/?q=secret`)",
            id="query on the list",
        ),
        pytest.param("`@user` ``a`b @c``", "`@user` ``a`b @c``", id="code spans"),
        pytest.param("`a`@user`b`", "`a` `@user` `b`", id="mention between code spans"),
        pytest.param(
            "  ```\n     ```\n  ```", "````\n   ```\n````", id="fence whose code would close it at the margin"
        ),
        pytest.param("- ```\n\tx\n  ```", "```\n  x\n```", id="tab that a list item ends within"),
        pytest.param("`a\n@b` c", "`a @b` c", id="code span over two lines"),
        pytest.param("- x\n  ```py\n  @y\n  ```\n  z", "- x\n```py\n@y\n```\nz", id="fence in a list"),
        pytest.param("> ```\n> x\nout @y", "```\nx\n```\nout `@y`", id="fence that its quote ends"),
        pytest.param("> ```\n> x\n> ```\n> @y", "```\nx\n```\n> `@y`", id="fence in a quote"),
        pytest.param("x = a[0] < b", "x = a\\[0\\] &lt; b", id="what only looks like markup"),
        pytest.param("**bold**, _it_, `x`\n\n1. one\n2. two", "**bold**, _it_, `x`\n\n1. one\n2. two", id="formatting"),
        pytest.param(
            "# Approved\n> ## by us", "###### Approved\n> ###### by us", id="headings that could pass for ours"
        ),
        pytest.param("Approved\n===\n\nby us\n---", "Approved\n\\===\n\nby us\n\\---", id="underlines"),
        pytest.param("***\n- - -\n___", "\\***\n\\- - -\n\\___", id="rules between sections"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_b53_what_is_written_instead(markdown: str, expected: str) -> None:
    assert sanitise(markdown) == expected
    assert_harmless(expected)


@pytest.mark.parametrize(
    "piece",
    [
        "`", "``a`", "[", "[a](", "@", "a", "- ", "> ", "* ", "\\", "&#64;", "~~~\n", "1.", "$a", "<", "\t", "(",
        "| - ", "# ", "=", "___", "***\n",
    ],
)  # fmt: skip
def test_b53_100_kilobytes_take_no_longer_than_their_length_justifies(piece: str) -> None:
    assert_no_worse_than_linear(sanitise, piece * (100_000 // len(piece)))
