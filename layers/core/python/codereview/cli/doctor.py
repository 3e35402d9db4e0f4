"""`codereview doctor`: whether a deployment is well, and what mends it."""

# ruff: noqa: PLC0415 -- what reaches AWS imports much, and `--help` waits for none of it

import dataclasses

import click
from rich.console import Console
from rich.text import Text

from codereview.cli.control.output import Output
from codereview.cli.printable import printable
from codereview.cli.stacks import json_option, reached, stack_option
from codereview.domain.diagnosis import Colour, Diagnosis, worst

_STYLES = {Colour.GREEN: "green", Colour.YELLOW: "yellow", Colour.RED: "bold red"}


@click.command()
@click.option("--without-model", is_flag=True, help="Do not ask the model, which costs a fraction of a cent.")
@click.option("--without-database", is_flag=True, help="Do not wake the database.")
@click.option("--without-secrets", is_flag=True, help="Read no secret; GitHub and webhook are not looked at then.")
@stack_option
@json_option
@click.pass_context
def doctor(
    context: click.Context,
    stack: str | None,
    *,
    without_model: bool,
    without_database: bool,
    without_secrets: bool,
    as_json: bool,
) -> None:
    """Look at GitHub, webhook, model, queues, workers, tables, database, clocks, secrets, limits and versions.

    Ends with 1 where something is red.
    """
    from codereview.bootstrap.doctor import diagnose

    out, found = Output(as_json=as_json), list[Diagnosis]()
    run = diagnose(
        reached(stack),
        asks_model=not without_model,
        wakes_database=not without_database,
        reads_secrets=not without_secrets,
    )
    for each in run():
        found.append(each)
        if not out.is_for_programs:
            _show(each)
    if out.is_for_programs:
        out.document({"colour": worst(found).value, "diagnoses": [dataclasses.asdict(each) for each in found]})
    context.exit(1 if worst(found) is Colour.RED else 0)


def _show(diagnosis: Diagnosis) -> None:
    line = Text.assemble(
        (f"{diagnosis.colour.value:<7}", _STYLES[diagnosis.colour]),
        (printable(diagnosis.subject), "bold"),
        f"  {printable(diagnosis.said)}",
    )
    console = Console(highlight=False, soft_wrap=True)
    console.print(line)
    if diagnosis.mend is not None:
        console.print(Text(f"       mend: {printable(diagnosis.mend)}"))
