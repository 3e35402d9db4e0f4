"""The `codereview` command: every operation of the product, for people and for scripts."""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click

from codereview.cli.control.failures import exit_code_of_error
from codereview.errors import CodeReviewError

# Where each command is; only the one that is called is imported, so that none waits for what another needs.
_COMMANDS: Final[Mapping[str, str]] = {
    "analyze": "analyze:analyze",
    "audit": "audit:audit",
    "completion": "completion:completion",
    "contacts": "contacts:contacts",
    "database": "database:database",
    "doctor": "doctor:doctor",
    "eval": "eval:evaluate",
    "exports": "control.exports:exports",
    "evidence": "evidence:evidence",
    "flags": "control.settings:flags",
    "idle-cost": "idle_cost:idle_cost",
    "keys": "control.keys:keys",
    "limits": "control.settings:limits",
    "local": "local:local",
    "notices": "control.notices:notices",
    "people": "control.tenants:people",
    "queues": "control.queues:queues",
    "reconcile": "reconcile:reconcile",
    "redrive": "redrive:redrive",
    "releases": "releases:releases",
    "review": "review:review",
    "reviews": "control.reviews:reviews",
    "secrets": "secrets:secrets",
    "sign-in": "control.sign_in:sign_in",
    "sign-out": "control.sign_in:sign_out",
    "status": "control.sign_in:status",
    "tenants": "control.tenants:tenants",
    "trace": "trace:trace",
    "whoami": "control.sign_in:whoami",
    "workers": "workers:workers",
}


class Commands(click.Group):
    """Imports a command when it is called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's own signature
        """Name all commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- as above
        """Import a command."""
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command: click.Command = getattr(import_module(f"codereview.cli.{module}"), name)
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="codereview")
def cli() -> None:
    """AI code review of GitHub pull requests, in your own AWS account."""


def main() -> None:
    """Run the command; an expected error is one line on stderr and an exit code that docs/cli.md explains."""
    try:
        cli()
    except CodeReviewError as error:
        click.echo(f"codereview: {error}", err=True)
        sys.exit(exit_code_of_error(error))
