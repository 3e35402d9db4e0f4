"""The options that every command of the control plane has, and what it works with."""

# ruff: noqa: PLC0415 -- the ways to the control plane import much, and only one of them is needed

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from codereview.bootstrap.environment import api_key
from codereview.cli.control import sessions
from codereview.cli.control.api import Api, Ask, Document, Reply, pages
from codereview.cli.control.output import Column, Output

if TYPE_CHECKING:
    from codereview.cli.control.past_http import DirectApi

_PATIENCE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The control plane, the place to print, and the tenant that the command line or the environment names."""

    api: Api
    out: Output
    tenant_option: str | None
    address: str | None  # None: past the API

    def tenant(self) -> str:
        """Return the tenant: as given, or the key's own; raises click's error if there is neither."""
        if self.tenant_option is not None:
            return self.tenant_option
        # Past the API there is nobody who has a tenant of their own.
        own = self.api.call(Ask(operation="me.show")).document["tenant"] if self.address is not None else None
        if own is None:
            raise click.UsageError("which tenant? Give --tenant or CODEREVIEW_TENANT, for example github.com:583231")
        return str(own)

    def within(self, place: str, **more: str) -> dict[str, str]:
        """Return the path's parameters for a route of the tenant, or none for one of the deployment."""
        return {"tenant": self.tenant(), **more} if place == "tenant" else more

    def call(
        self,
        operation: str,
        path: Mapping[str, str],
        body: Document | None = None,
        *,
        version: int | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """Do one operation."""
        return self.api.call(Ask(operation=operation, path=path, body=body, version=version, query=query or {}))

    def show(self, operation: str, path: Mapping[str, str], body: Document | None = None) -> None:
        """Do one operation, and print what it answers."""
        self.out.document(self.call(operation, path, body).document)

    def show_list(
        self,
        operation: str,
        path: Mapping[str, str],
        columns: tuple[Column, ...],
        *,
        limit: int,
        query: Mapping[str, str | None] | None = None,
    ) -> None:
        """Print a list, at most `limit` rows of it."""
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        self.out.rows(pages(self.api, Ask(operation=operation, path=path, query=asked), limit=limit), columns)

    def change(
        self,
        shown: str,
        changed: str,
        path: Mapping[str, str],
        edit: Callable[[Document], Document],
    ) -> None:
        """Read, edit and write a document over the version that was read; somebody else's change in between is told."""
        before = self.api.call(Ask(operation=shown, path=path))
        ask = Ask(operation=changed, path=path, body=edit(before.document), version=before.version)
        self.out.document(self.api.call(ask).document)


def connected(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command its connection as first argument, by options that are the same everywhere."""

    @click.option("--url", envvar="CODEREVIEW_API_URL", help="The API's address; also CODEREVIEW_API_URL.")
    @click.option(
        "--stack",
        envvar="CODEREVIEW_STACK",
        help="Work past the API, on this stack's tables, with your AWS credentials; also CODEREVIEW_STACK.",
    )
    @click.option("--tenant", envvar="CODEREVIEW_TENANT", help="HOST:ACCOUNT_ID; a key's own if left out.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON, as is done where the output is no terminal.")
    @click.option(
        "--wait",
        type=click.IntRange(0, 3600),
        default=_PATIENCE,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for limits and outages before giving up.",
    )
    @functools.wraps(command)
    def run(*, url: str | None, stack: str | None, tenant: str | None, as_json: bool, wait: int, **values: Any) -> None:
        address = None if stack else url or sessions.last_address()
        api = past_api(stack) if stack else over_api(address, wait)
        control = Control(api=api, out=Output(as_json=as_json), tenant_option=tenant, address=address)
        command(control, **values)

    return run


def over_api(address: str | None, patience: float) -> Api:
    """Reach the API with the key of the environment, or the session that was signed in with."""
    from codereview.cli.control.over_http import HttpApi

    if address is None:
        raise click.UsageError("which deployment? Give --url, or --stack to work with AWS credentials")
    token = api_key() or sessions.token_for(address)
    return HttpApi(url=address, token=token, patience=patience)


def past_api(stack: str) -> "DirectApi":
    """Reach the stack's tables and queues."""
    from codereview.bootstrap.control_plane import control_plane
    from codereview.cli.control.past_http import DirectApi

    plane = control_plane(stack)
    return DirectApi(services=plane.services, ids=plane.ids, actor=plane.actor, now=plane.services.clock.now)


limit_option = click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many rows at most."
)
deployment_option = click.option("--deployment", is_flag=True, help="The deployment's own, instead of a tenant's.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def confirmed(question: str, *, yes: bool) -> None:
    """Ask a person at a terminal before what cannot be taken back; a script has to say --yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("this asks first; say --yes where nobody can answer")
    click.confirm(question, abort=True, err=True)
