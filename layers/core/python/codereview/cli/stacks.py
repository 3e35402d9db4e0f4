"""Which stack a command works on: the one that is named, or the local one that runs in this checkout."""

# ruff: noqa: PLC0415 -- what reaches AWS imports much, and `--help` waits for none of it

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from codereview.bootstrap.environment import use_aws
from codereview.cli.local import launcher

if TYPE_CHECKING:
    from codereview.bootstrap.operator import Operator

stack_option = click.option(
    "--stack",
    envvar="CODEREVIEW_STACK",
    help="The stack, with your AWS credentials; also CODEREVIEW_STACK. Left out: the local one that runs here.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_SPAN = re.compile(r"(?P<count>\d{1,3})(?P<unit>[hd])", re.ASCII)


class SpanType(click.ParamType[Any]):
    """`3d`, `12h`."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        if isinstance(value, timedelta):
            return value
        found = _SPAN.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is no span such as 3d or 12h", param, ctx)
        count = int(found["count"])
        return timedelta(days=count) if found["unit"] == "d" else timedelta(hours=count)


SPAN = SpanType()


def reached(stack: str | None) -> str:
    """Return the stack's name; for the local one, this process speaks to its emulated account from now on."""
    if stack is not None:
        return stack
    if not is_local_stack_running():
        raise click.UsageError("which stack? Give --stack or CODEREVIEW_STACK, or start one with `codereview local up`")
    import json

    state = json.loads(launcher("checkout").STATE_FILE.read_text())
    use_aws(launcher("aws").Aws(endpoint_url=state["aws_url"]).environment)
    return str(launcher("stack").STACK_NAME)


def is_local_stack_running() -> bool:
    """Whether `codereview local up` or `make demo` runs in this checkout."""
    from codereview.errors import UserError

    try:
        return bool(launcher("checkout").STATE_FILE.is_file())
    except UserError:
        return False


def operator(stack: str | None) -> "Operator":
    """Reach a stack."""
    from codereview.bootstrap.operator import reach_stack

    return reach_stack(reached(stack))
