"""A Markdown text as GitHub's own renderer shows it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import cmarkgfm  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]


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
