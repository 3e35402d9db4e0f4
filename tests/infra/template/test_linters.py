"""The templates' linters: all of them look at every template, and what they let pass has its reason beside it."""

import re

import pytest

from local.checkout import ROOT

TEMPLATES = ["template.yaml", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "infra").glob("*.yaml"))]


@pytest.mark.parametrize("config", [".cfnlintrc", ".checkov.yaml"])
def test_every_template_is_linted(config: str) -> None:
    listed = re.findall(r"^  - (\S+\.yaml)$", (ROOT / config).read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_checkov_skips_at_a_resource_has_a_comment(name: str) -> None:
    for skip in re.findall(r"skip: \[(\{.*?\})\]", (ROOT / name).read_text()):
        assert re.fullmatch(r"\{id: CKV_\w+, comment: .{20,}\}", skip)


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_cfn_lint_ignores_stands_by_a_comment(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    for number, line in enumerate(lines):
        if "ignore_checks" in line:
            around = [*reversed(lines[max(0, number - 4) : number]), line]
            assert any("#" in each for each in around), f"{name}:{number + 1}"
