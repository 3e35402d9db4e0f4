"""`codereview flags` and `codereview limits`: what runs, and how much of it."""

from typing import Any

import click

from codereview.cli.control.api import Document
from codereview.cli.control.connection import Control, connected, deployment_option
from codereview.cli.control.values import AGENT_FLAG, DOLLARS, RATE, SWITCH
from codereview.domain.control.quotas import WhenSpent

_RATES = ("requests", "requests_per_key", "reviews", "model_kilotokens", "bot_reviews_per_pull_request")
_WHEN_SPENT = [*(each.value for each in WhenSpent), "none"]
_SUMS = ("tenant_month", "repository_month", "pull_request", "review")


def _place(control: Control, *, deployment: bool) -> tuple[str, dict[str, str]]:
    return ("deployment_", {}) if deployment else ("", {"tenant": control.tenant()})


@click.group()
def flags() -> None:
    """Agents' flags and kill switches: show, set. They hold everywhere within a minute."""


@flags.command("show")
@deployment_option
@connected
def show_flags(control: Control, *, deployment: bool) -> None:
    """Show flags and switches."""
    prefix, path = _place(control, deployment=deployment)
    control.show(f"{prefix}flags.show", path)


@flags.command("set")
@click.option("--agent", "agents", multiple=True, type=AGENT_FLAG, help="For example security=shadow; again for each.")
@click.option("--posting", type=SWITCH, help="Whether reviews are put on GitHub.")
@click.option("--models", type=SWITCH, help="Whether language models are asked; off leaves the analyzers.")
@click.option("--mock-models", type=SWITCH, help="Whether the mock model stands in for them (MOCK_LLM).")
@deployment_option
@connected
def set_flags(
    control: Control,
    agents: tuple[tuple[str, Document], ...],
    posting: str | None,
    models: str | None,
    mock_models: str | None,
    *,
    deployment: bool,
) -> None:
    """Change what is named, and leave the rest as it is."""
    switches = {"posting": posting, "models": models, "mock_models": mock_models}
    changes = {name: value == "on" for name, value in switches.items() if value is not None}
    if not changes and not agents:
        raise click.UsageError("nothing to change")
    prefix, path = _place(control, deployment=deployment)
    control.change(
        f"{prefix}flags.show",
        f"{prefix}flags.change",
        path,
        lambda shown: shown | changes | {"agents": shown["agents"] | dict(agents)},
    )


@click.group()
def limits() -> None:
    """Limits and budgets: show, set."""


@limits.command("show")
@deployment_option
@connected
def show_limits(control: Control, *, deployment: bool) -> None:
    """Show what was set here (own), and what counts (effective); sums in millionths of a dollar."""
    prefix, path = _place(control, deployment=deployment)
    control.show(f"{prefix}limits.show", path)


@limits.command("set")
@click.option("--requests", type=RATE, help="API requests of the whole tenant, for example 600/m:100.")
@click.option("--requests-per-key", type=RATE, help="API requests of one key.")
@click.option("--reviews", type=RATE, help="Reviews.")
@click.option("--model-kilotokens", type=RATE, help="Thousands of model tokens.")
@click.option("--bot-reviews-per-pull-request", type=RATE, help="Reviews that bots cause on one pull request.")
@click.option("--tenant-month", type=DOLLARS, help="Budget of the tenant a month.")
@click.option("--repository-month", type=DOLLARS, help="Budget of each repository a month.")
@click.option("--pull-request", type=DOLLARS, help="Budget of each pull request.")
@click.option("--review", type=DOLLARS, help="Budget of each review.")
@click.option(
    "--when-spent",
    type=click.Choice(_WHEN_SPENT),
    help="What a review does without a budget.",
)
@deployment_option
@connected
def set_limits(control: Control, *, deployment: bool, **values: Any) -> None:
    """Change what is named, and leave the rest as it is; `none` takes a limit of one's own away."""
    given = {name: None if value == "none" else value for name, value in values.items() if value is not None}
    if not given:
        raise click.UsageError("nothing to change")
    prefix, path = _place(control, deployment=deployment)
    control.change(f"{prefix}limits.show", f"{prefix}limits.change", path, lambda shown: _with(shown["own"], given))


def _with(own: Document, given: Document) -> Document:
    budgets = {name: value for name, value in given.items() if name in {*_SUMS, "when_spent"}}
    rates = {name: value for name, value in given.items() if name in _RATES}
    return own | rates | {"budgets": own["budgets"] | budgets}
