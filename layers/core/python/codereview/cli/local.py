"""`codereview local`: the whole system on this machine, for development."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import ModuleType

import click

from codereview.errors import UserError

# The launcher is a tool of the checkout, not part of the package: it is found beside the package's own sources.
_CHECKOUT = Path(__file__).resolve().parents[5]
_STOP_SECONDS = 20.0


@click.group()
def local() -> None:
    """Run the system in an emulated AWS on this machine."""


@local.command()
def up() -> None:
    """Bring everything up, print the addresses, and stay until Ctrl-C."""
    stack, demo = launcher("stack"), launcher("demo")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with stack.LocalStack(report=demo.step) as running:
            click.echo(f"webhook    {running.api_url}/webhooks/github\nGitHub API {running.hub.url}")
            click.echo(f"AWS        {running.aws.endpoint_url}\nPostgres   {running.database.superuser_dsn}")
            click.echo("Press Ctrl-C to stop")
            signal.pause()
    except KeyboardInterrupt:
        click.echo()
    except RuntimeError as error:
        raise UserError(str(error)) from error


@local.command()
def down() -> None:
    """Stop what `local up` or `make demo` started in this checkout."""
    checkout = launcher("checkout")
    if not checkout.STATE_FILE.is_file():
        click.echo("Nothing is running.")
        return
    process = int(_state()["process"])
    try:
        os.kill(process, signal.SIGTERM)
    except ProcessLookupError:
        checkout.STATE_FILE.unlink(missing_ok=True)
        return
    for _ in range(int(_STOP_SECONDS * 10)):
        if not checkout.STATE_FILE.is_file():
            click.echo("Stopped.")
            return
        time.sleep(0.1)
    raise UserError(f"process {process} does not end")


@local.command("open-pr")
@click.option("--repo", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="A clone.")
@click.option("--base", required=True, help="What the change is compared with.")
@click.option("--head", required=True, help="The change.")
@click.option("--title", help="The pull request's title.")
def open_pr(repo: Path, base: str, head: str, title: str | None) -> None:
    """Open a pull request on the running system, and show its review."""
    demo, hub = launcher("demo"), launcher("hub")
    state = _state()
    try:
        github = hub.Hub(url=state["github_url"])
        review_id = demo.open_and_show(github, repo.resolve(), base=base, head=head, title=title)
        demo.show_record(state["database_dsn"], review_id)
    except (RuntimeError, OSError) as error:
        raise UserError(str(error)) from error


def _state() -> dict[str, str]:
    """Read where the running system is."""
    path = launcher("checkout").STATE_FILE
    if not path.is_file():
        raise UserError("nothing is running: start it with `codereview local up` or `make demo`")
    return dict(json.loads(path.read_text()))


def launcher(name: str) -> ModuleType:
    """Import a module of the launcher; raises UserError outside of a checkout."""
    if not (_CHECKOUT / "template.yaml").is_file():
        raise UserError("this command works in a checkout of the project only")
    sys.path.insert(0, str(_CHECKOUT / "infra"))
    try:
        return __import__(f"local.{name}", fromlist=[name])
    finally:
        sys.path.remove(str(_CHECKOUT / "infra"))
