"""`codereview eval`: what the pipeline makes of findings that are known, on cases of one's own."""

# ruff: noqa: PLC0415 -- the engine imports much, and `--help` waits for none of it

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click

from codereview.cli.cases import case_folders, read_case
from codereview.errors import UserError
from codereview.evaluation.measuring import Measurement, Voice
from codereview.evaluation.noise import Noise
from codereview.evaluation.oracle import OracleModel
from codereview.evaluation.score import Prices, Score, table, total

_LONGEST_RUN = timedelta(hours=12)  # of all cases together


@click.command("eval")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--oracle", is_flag=True, help="The model's answer is the expected findings: a perfect model.")
@click.option("--noise", type=int, metavar="SEED", help="The oracle copies carelessly, the same for one SEED.")
@click.option("--model", metavar="SPEC", help="As for `review`; mock unless --oracle or --noise is given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--prices",
    type=(float, float, float),
    default=(3.0, 0.3, 15.0),
    show_default=True,
    metavar="READ CACHED WRITTEN",
    help="Dollars for a million tokens.",
)
@click.pass_context
def evaluate(  # noqa: PLR0917 - click passes them by name
    context: click.Context,
    folder: Path,
    oracle: bool,  # noqa: FBT001 - a flag of the command line
    noise: int | None,
    model: str | None,
    as_json: bool,  # noqa: FBT001
    prices: tuple[float, float, float],
) -> None:
    """Measure the pipeline on the cases in FOLDER.

    A case is a folder with `golden.json` and either `pr.diff` or `case.json`; see docs/evaluation.md. Comments are not
    capped, so that every finding's place is measured.

    Exit codes: 0 all cases were measured; 1 the model cannot be used; 2 wrong usage, no case, or a case that cannot be
    read: the others are measured all the same.
    """
    from codereview.bootstrap.command_line import command_line

    is_oracle = oracle or noise is not None
    if is_oracle and model is not None:
        raise click.UsageError("--model has no use where the expected findings are the model's answer")
    engine = command_line(model or "mock")
    measure = Measurement(
        engine=engine.review_change,
        voice=oracle_voice(noise) if is_oracle else lambda *_: engine.model,
        knows_findings=is_oracle,
        deadline=engine.clock.now() + _LONGEST_RUN,
    )
    scores: list[Score] = []
    problems: list[str] = []
    for case in case_folders(folder):
        try:
            scores.append(measure(read_case(case, folder)))
        except UserError as error:
            problems.append(" ".join(str(error).split()))
    if not scores and not problems:
        problems.append(f"{folder}: no cases: no folder with golden.json in it")
    paid = Prices(read=prices[0], cached=prices[1], written=prices[2])
    if as_json:
        document = {
            "model": "oracle" if is_oracle else engine.model.name,
            "noise": noise,
            "max_comments": None,
            "prices": asdict(paid),
            "total": total(scores).document(paid),
            "cases": [score.document(paid) for score in scores],
            "problems": problems,
        }
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(table(scores, paid))
        click.echo("Comments were not capped; a review posts ten and lists the others in its body.")
    _say(problems)
    context.exit(2 if problems else 0)


def oracle_voice(noise: int | None) -> Voice:
    """Return what makes an oracle for each case; the second time it tells its findings in the other order."""
    return lambda case, targets, is_again: OracleModel(
        targets, disturb=None if noise is None else Noise(noise, case.name), is_backwards=is_again
    )


def _say(problems: Sequence[str]) -> None:
    for problem in problems:
        click.echo(f"codereview: {problem}", err=True)
