"""The ways to the record for those who look after it: the maintenance function, or a database of one's own."""

# ruff: noqa: PLC0415 -- both ways import much, only one of them is needed, and `--help` waits for none

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Call = Callable[..., Any]


def on_the_record(group: Callable[[click.Context, Call], None]) -> Callable[..., None]:
    """Give a group the options that say where the record is; it is called with `call(action, **parameters)`.

    With --json the answer is printed as it is, and the command ends.
    """

    @click.option(
        "--function",
        envvar="MAINTENANCE_FUNCTION",
        default="codereview-prod-maintenance",
        show_default=True,
        help="The maintenance function's name; also MAINTENANCE_FUNCTION.",
    )
    @click.option("--database-url", envvar="DATABASE_URL", help="A database to work on from here; also DATABASE_URL.")
    @click.option(
        "--archives",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(".local/archives"),
        show_default=True,
        help="Where archives lie when there is a DATABASE_URL.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
    @click.pass_context
    @functools.wraps(group)
    def wrapped(
        context: click.Context, *, function: str, database_url: str | None, archives: Path, as_json: bool
    ) -> None:
        def call(action: str, exit_code: Callable[[Any], int] = lambda _: 0, **parameters: Any) -> Any:
            result = _way(function, database_url, archives)(action, parameters)
            if as_json:
                click.echo(json.dumps(result, indent=2))
                context.exit(exit_code(result))
            return result

        group(context, call)

    return wrapped


def _way(function: str, database_url: str | None, archives: Path) -> Call:
    """Return what runs one command: the function, or all of it here on a database of one's own."""
    if database_url is not None:
        from codereview.bootstrap.local_maintenance import local_maintenance

        return local_maintenance(database_url, archives)
    from codereview.bootstrap.remote_maintenance import remote_maintenance

    return remote_maintenance(function)
