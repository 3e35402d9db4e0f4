"""`codereview completion`: words and options at the press of Tab."""

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "fish", "zsh")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell; put `eval "$(codereview completion bash)"` into its start-up file."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"there is no completion for {shell}")
    root = context.find_root()
    click.echo(kind(root.command, {}, "codereview", "_CODEREVIEW_COMPLETE").source())
