"""`codereview secrets`: new webhook secrets, keys of the App and of the model, and what cursors are signed with.

No command prints a secret, and none takes one as an argument, where others on the machine could read it.
"""

# ruff: noqa: PLC0415 -- what reaches AWS imports much, and `--help` waits for none of it

from typing import IO

import click

from codereview.cli.control.connection import confirmed, yes_option
from codereview.cli.control.output import Output
from codereview.cli.stacks import json_option, reached, stack_option
from codereview.domain.secret_rotation import DRAWN, SecretName

_LONGEST = 20_000
NAME = click.Choice([name.value for name in SecretName])


@click.group()
def secrets() -> None:
    """Secrets of a deployment: rotate, announce, retire. Nothing is ever printed of them."""


@secrets.command()
@click.argument("name", type=NAME)
@click.option(
    "--from", "source", type=click.File("r"), help="The file with the new one, - for stdin; left out, one is drawn."
)
@click.option("--app-id", help="The App's number, where it is not stored yet.")
@click.option("--without-github", is_flag=True, help="Do not tell GitHub the webhook secret: you do it on its page.")
@click.option("--dry-run", is_flag=True, help="Only try the new one.")
@stack_option
@json_option
@yes_option
def rotate(
    name: str,
    source: IO[str] | None,
    app_id: str | None,
    stack: str | None,
    *,
    without_github: bool,
    dry_run: bool,
    as_json: bool,
    yes: bool,
) -> None:
    """Put a new secret in place of NAME, after it was tried.

    A new webhook secret is told to GitHub, and the one of before is accepted too until `retire webhook`.
    """
    which = SecretName(name)
    if source is None and which not in DRAWN:
        raise click.UsageError(f"where is it? {name} is given out by somebody else: give --from FILE, or --from -")
    if source is None and without_github and which is SecretName.WEBHOOK:
        raise click.UsageError("a secret that is drawn is never shown: without telling GitHub, give --from")
    from codereview.bootstrap.account import request
    from codereview.bootstrap.secrets import drawn, rotate_secrets

    operate = rotate_secrets(reached(stack))
    value = source.read(_LONGEST) if source is not None else drawn()
    values = operate.check(which, value, app_id=app_id)
    out = Output(as_json=as_json)
    if dry_run:
        out.document({"secret": name, "is_made": False, "works": True})
        return
    confirmed(f"Replace the secret {name}?", yes=yes)
    done = operate.rotate(which, values, is_told=not without_github, request=request())
    out.document(
        {"secret": name, "is_made": True, "github_knows": done.is_told, "not_started_anew": list(done.waiting)}
    )
    if "previous" in values:
        out.note("Two secrets are accepted now. In some minutes: codereview secrets retire webhook")


@secrets.command()
@click.argument("name", type=click.Choice([SecretName.WEBHOOK.value]))
@stack_option
@json_option
def announce(name: str, stack: str | None, *, as_json: bool) -> None:
    """Tell GitHub the webhook secret that is stored, where `rotate` could not."""
    from codereview.bootstrap.account import request
    from codereview.bootstrap.secrets import rotate_secrets

    rotate_secrets(reached(stack)).announce(SecretName(name), request=request())
    Output(as_json=as_json).document({"secret": name, "github_knows": True})


@secrets.command()
@click.argument("name", type=click.Choice([SecretName.WEBHOOK.value]))
@stack_option
@json_option
@yes_option
def retire(name: str, stack: str | None, *, as_json: bool, yes: bool) -> None:
    """Accept the current webhook secret alone."""
    from codereview.bootstrap.account import request
    from codereview.bootstrap.secrets import rotate_secrets

    operate = rotate_secrets(reached(stack))
    confirmed("Refuse what is signed with the webhook secret of before?", yes=yes)
    operate.retire(request=request())
    Output(as_json=as_json).document({"secret": name, "is_retired": True})
