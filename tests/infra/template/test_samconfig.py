"""The four environments of samconfig.toml."""

import re
import tomllib
from typing import Any

import pytest

from codereview.domain.prices import parse_prices
from local.checkout import ROOT
from tests.infra.template.deployed import Stack, Template

STAGES = ("local", "dev", "staging", "prod")


def _parameters(stage: str) -> dict[str, Any]:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    parameters: dict[str, Any] = config[stage]["deploy"]["parameters"]
    return parameters


def _overrides(stage: str) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in _parameters(stage)["parameter_overrides"])


@pytest.mark.parametrize("stage", STAGES)
def test_every_environment_has_a_stack_of_its_own_that_says_whose_it_is(stage: str) -> None:
    parameters = _parameters(stage)
    assert parameters["stack_name"] == f"codereview-{stage}"
    assert parameters["resolve_s3"] is True
    assert set(parameters["tags"]) == {"app=codereview", f"stage={stage}"}
    assert set(parameters["capabilities"]) == {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}


def test_only_production_waits_for_a_person() -> None:
    assert {stage for stage in STAGES if _parameters(stage)["confirm_changeset"]} == {"prod"}


@pytest.mark.parametrize("stage", STAGES)
def test_every_environment_gives_what_the_template_asks_for(stage: str, templates: dict[str, Template]) -> None:
    template = templates["template.yaml"]
    required = {name for name, entry in template["Parameters"].items() if "Default" not in entry}
    overrides = _overrides(stage)
    assert required <= set(overrides)
    assert overrides["Stage"] == stage
    stack = Stack(template, overrides)
    assert ("Database" in stack.resources) == (stage != "local")
    assert stack.properties("ControlTable")["DeletionProtectionEnabled"] == (stage == "prod")


@pytest.mark.parametrize("stage", STAGES)
def test_every_value_is_one_that_the_template_allows(stage: str, templates: dict[str, Template]) -> None:
    declared = templates["template.yaml"]["Parameters"]
    for name, value in _overrides(stage).items():
        allowed = declared[name].get("AllowedValues", [value])
        assert value in map(str, allowed), name


@pytest.mark.parametrize("stage", ["staging", "prod"])
def test_what_models_cost_is_known_wherever_they_cost_something(stage: str, templates: dict[str, Template]) -> None:
    variables = Stack(templates["template.yaml"], _overrides(stage)).properties("ReviewerFunction")["Environment"]
    assert parse_prices(variables["Variables"]["MODEL_PRICES"]) is not None


def test_an_address_of_the_pages_is_one_that_can_be_opened_or_none(templates: dict[str, Template]) -> None:
    declared = templates["template.yaml"]["Parameters"]["RunbooksUrl"]
    for address in ("", "https://github.com/acme/reviews/blob/main/docs/runbooks"):
        assert re.fullmatch(declared["AllowedPattern"], address)
    for address in ("docs/runbooks", "http://example.com", "https://example.com/runbooks/"):
        assert not re.fullmatch(declared["AllowedPattern"], address), address
    for given, shown in (("", "docs/runbooks"), ("https://example.com/r", "https://example.com/r")):
        stack = Stack(templates["template.yaml"], {"Stage": "prod", "Model": "mock", "RunbooksUrl": given})
        assert stack.properties("Alarms")["Parameters"]["Runbooks"] == shown
        assert stack.properties("WebhookCanary")["AlarmDescription"].endswith(f" {shown}/bad-release.md")


def test_what_is_shown_to_customers_is_never_invented() -> None:
    assert not [stage for stage in ("staging", "prod") if _overrides(stage)["Model"] == "mock"]
