"""A Markdown text as GitHub's own renderer shows it."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import cmarkgfm  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]

from codereview.domain.hidden_text import HIDDEN
from codereview.domain.sanitising import is_allowed_url

_TAGS = frozenset(
    {
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "em",
        "strong",
        "del",
        "ul",
        "ol",
        "li",
        "blockquote",
        "code",
        "pre",
        "hr",
    }
    | {"br", "a"}
)


# What GitHub makes of the text of a rendered page, outside of code and of links.
_LIVE_TEXT = re.compile(r"@[A-Za-z0-9]|#[0-9]|\bGH-[0-9]|\$[^\0]*\$|https?://|www\.", re.IGNORECASE)


@dataclass
class Page(HTMLParser):
    """What a reader's browser would be given: the tags, the text outside of code, and each piece of code."""

    text: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    depth: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "code":
            self.depth += 1
            self.code.append("")
        self.text.append("\0")

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "code"
        self.text.append("\0")

    def handle_data(self, data: str) -> None:
        if self.depth:
            self.code[-1] += data
        else:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def rendered(markdown: str) -> Page:
    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
    page = Page()
    page.feed(
        cmarkgfm.markdown_to_html_with_extensions(
            markdown, options=options, extensions=["table", "autolink", "strikethrough", "tasklist"]
        )
    )
    page.close()
    return page


def assert_harmless(markdown: str, *, own_tags: frozenset[str] = frozenset()) -> Page:
    """Hold that the page does nothing; `own_tags` may stand on it too. Returns the page."""
    page = rendered(markdown)
    assert not page.comments
    for tag, attributes in page.tags:
        assert tag in _TAGS | own_tags, tag
        assert set(attributes) <= {"href", "class", "start"}, attributes
        if tag == "a":
            assert is_allowed_url(attributes["href"] or ""), attributes
        assert "mermaid" not in (attributes.get("class") or "")
        assert "suggestion" not in (attributes.get("class") or "")
    text = "".join(page.text)
    for link in {attributes["href"] or "" for tag, attributes in page.tags if tag == "a"}:
        text = text.replace(link, "")
    assert not _LIVE_TEXT.search(text), text
    assert not HIDDEN.search(text.replace("\0", "")), text
    assert not re.search(r"(?m)^[ >*+-]*/[a-z]", "".join(_outside_of_fences(markdown)))
    return page


def _outside_of_fences(markdown: str) -> list[str]:
    lines, marker = [], ""
    for line in re.findall(r"[^\r\n]*(?:\r\n|\n|\r|\Z)", markdown):
        run = re.match(r"`{3,}|~{3,}", line)
        if marker:
            marker = "" if line.rstrip("\r\n") == marker else marker
        elif run and (run[0][0] == "~" or "`" not in line[run.end() :]):
            marker = run[0]
        else:
            lines.append(line)
    assert not marker, "a fence is left open"
    return lines
