"""The `codereview` command: every operation of the product, for people and for scripts."""

import sys

import click

from codereview.cli.analyze import analyze
from codereview.cli.database import database
from codereview.cli.eval import evaluate
from codereview.cli.local import local
from codereview.cli.review import review
from codereview.errors import CodeReviewError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="codereview")
def cli() -> None:
    """AI code review of GitHub pull requests, in your own AWS account."""


cli.add_command(review)
cli.add_command(analyze)
cli.add_command(evaluate)
cli.add_command(local)
cli.add_command(database)


def main() -> None:
    """Run the command; an expected error is one line on stderr and exit code 1."""
    try:
        cli()
    except CodeReviewError as error:
        click.echo(f"codereview: {error}", err=True)
        sys.exit(1)
