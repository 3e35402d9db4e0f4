"""What a path says about a file's role, where that changes what an analyzer's claim is worth."""

import re

_TEST = re.compile(
    r"(?:^|/)(?:tests?|testing|__tests__|spec|specs|testdata|fixtures?|mocks?|__mocks__|e2e)/", re.IGNORECASE
)
_TEST_FILE = re.compile(
    r"(?:^|/)(?:conftest\.py|test_[^/]*|[^/]*_tests?\.\w+|[^/]*[.-](?:test|spec)\.\w+|[^/]*(?:Test|Tests|TestCase|Spec|IT)\.\w+)$"
)
_EXAMPLE = re.compile(
    r"(?:^|/)(?:examples?|samples?|demos?|docs?|documentation|tutorials?|quickstarts?)/"
    r"|\.(?:md|rst|adoc|mdx|example|sample|dist|template|tmpl)$|(?:^|/)readme",
    re.IGNORECASE,
)
_MACHINE_MADE = re.compile(
    r"(?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lock|poetry\.lock|uv\.lock|pdm\.lock"
    r"|pipfile\.lock|cargo\.lock|gemfile\.lock|composer\.lock|go\.sum|flake\.lock|packages\.lock\.json|[^/]*requirements[^/]*\.txt)$"
    r"|\.(?:map|svg|ipynb_checkpoints|snap)$|\.min\.(?:js|css)$",
    re.IGNORECASE,
)
_PROSE = re.compile(
    r"\.(?:md|mdx|markdown|rst|adoc|asciidoc|org|tex)$|(?:^|/)(?:license|copying|notice|authors)$", re.IGNORECASE
)


def is_test(path: str) -> bool:
    """Tell files of a test suite: made-up values and shortcuts are their business."""
    return bool(_TEST.search(path) or _TEST_FILE.search(path))


def is_example(path: str) -> bool:
    """Tell documentation and examples: what they show is meant to be replaced."""
    return bool(_EXAMPLE.search(path))


def is_machine_made(path: str) -> bool:
    """Tell files full of digests that no person wrote: lock files, source maps, minified code."""
    return bool(_MACHINE_MADE.search(path))


def is_prose(path: str) -> bool:
    """Tell texts for people, which no program runs; what ends in .txt may be a list that one reads."""
    return bool(_PROSE.search(path))
