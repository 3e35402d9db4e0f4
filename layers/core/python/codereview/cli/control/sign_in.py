"""`codereview sign-in`, `sign-out`, `whoami` and `status`: who you are to a deployment, and whether it works."""

from urllib.parse import parse_qs, urlsplit

import click

from codereview.cli.control import sessions
from codereview.cli.control.api import Ask
from codereview.cli.control.connection import Control, connected
from codereview.cli.control.failures import CommandError, ExitCode


@click.command("sign-in")
@connected
def sign_in(control: Control) -> None:
    """Sign in with GitHub; the session is kept in a file that only you can read."""
    address = _over_http(control)
    begun = control.api.call(Ask(operation="sign_in.begin")).document
    click.echo(f"Open this address, and let GitHub send you back:\n\n  {begun['authorize_url']}\n", err=True)
    landed = click.prompt("The address on which you landed", err=True)
    query = parse_qs(urlsplit(landed.strip()).query)
    if not query.get("code") or not query.get("state"):
        raise CommandError("that address has no code and state of GitHub's", ExitCode.NOT_ALLOWED)
    answer = {"ticket": begun["ticket"], "code": query["code"][0], "state": query["state"][0]}
    session = control.api.call(Ask(operation="sign_in.complete", body=answer)).document
    path = sessions.keep(address, session["token"])
    control.out.note(f"Signed in as {session['caller']['login']} until {session['expires_at']}; kept in {path}.")


@click.command("sign-out")
@connected
def sign_out(control: Control) -> None:
    """End the session, here and there."""
    _over_http(control)
    control.api.call(Ask(operation="session.end"))
    sessions.forget()
    control.out.note("Signed out.")


@click.command()
@connected
def whoami(control: Control) -> None:
    """Say whom the deployment takes you for."""
    control.show("me.show", {})


@click.command()
@connected
def status(control: Control) -> None:
    """Say whether the control plane works, with the notices to everybody."""
    control.show("status.show", {})


def _over_http(control: Control) -> str:
    """Return the API's address; raises click's error past the API, where nobody signs in."""
    if control.address is None:
        raise click.UsageError("people sign in to the API: give --url, not --stack")
    return control.address
