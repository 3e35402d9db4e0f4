"""`codereview idle-cost`: the month's floor by the template, and what a thousand reviews cost on top."""

# ruff: noqa: PLC0415 -- what reaches AWS imports much, and a template in a file waits for none of it

import json
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import click

from codereview.cli.control.output import Output
from codereview.cli.stacks import json_option, reached, stack_option
from codereview.domain.idle_cost import (
    Known,
    Line,
    Price,
    Prices,
    ReviewTime,
    Sum,
    Template,
    idle_lines,
    review_lines,
    summed,
)
from codereview.errors import UserError

CEILING = 5.0
_COLUMNS = (("WHAT", "what"), ("COUNT", "count"), ("PER", "per"), ("LISTED $", "listed"), ("CHARGED $", "charged"))
_KNOWN = {
    Known.ASSUMED: "assumed",
    Known.MEASURED: "measured: the reviewers' time of the last week, by the reviews that were posted",
    Known.GIVEN: "as you said",
}
_SHOWN_FROM = 0.005  # dollars


@click.command(name="idle-cost")
@click.option(
    "--template",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A translated template, as JSON; again for each stack in it. `make idle-cost` translates.",
)
@click.option("--ceiling", type=click.FloatRange(0), default=CEILING, show_default=True, help="Fail above it: dollars.")
@click.option("--reviews", type=click.IntRange(0), default=1_000, show_default=True, help="How many reviews to price.")
@click.option("--seconds", type=click.FloatRange(0.1, 900), help="Of one reviewer; measured where a stack can tell.")
@click.option("--memory", type=click.IntRange(128, 10_240), default=None, help="Of one reviewer, in MB.")
@stack_option
@json_option
def idle_cost(
    paths: tuple[Path, ...],
    stack: str | None,
    *,
    ceiling: float,
    reviews: int,
    seconds: float | None,
    memory: int | None,
    as_json: bool,
) -> None:
    """Print what a month without a push costs, and what reviews cost on top; fails above the ceiling.

    Without --template the templates are those that are deployed. Models are not in it: they are by far the most.
    """
    measured, live = None, None
    if paths:
        templates: Mapping[str, Template] = {str(path): _read(path) for path in paths}
    else:
        from codereview.bootstrap.idle_cost import deployed_templates, reviewer_megabytes, reviewer_seconds

        name = reached(stack)
        templates = deployed_templates(name)
        measured, live = reviewer_seconds(name), reviewer_megabytes(name)
    prices = price_list()
    time = ReviewTime(
        seconds=seconds or measured or prices.review["seconds"],
        known=Known.GIVEN if seconds else Known.MEASURED if measured else Known.ASSUMED,
        megabytes=memory or live or _memory(templates),
    )
    report(templates, prices, time=time, reviews=reviews, ceiling=ceiling, out=Output(as_json=as_json))


def report(
    templates: Mapping[str, Template],
    prices: Prices,
    *,
    time: ReviewTime,
    reviews: int,
    ceiling: float,
    out: Output,
) -> None:
    """Print both sums; raises UserError above the ceiling."""
    idle = summed(_together(idle_lines(templates, prices)), prices)
    each = summed(review_lines(reviews, time, prices), prices, has_allowances=False)
    floor, listed = sum(line.charged for line in idle), sum(line.listed for line in idle)
    if out.is_for_programs:
        out.document(
            {
                "as_of": prices.as_of,
                "region": prices.region,
                "idle": {"charged": round(floor, 2), "listed": round(listed, 2), "lines": _rows(idle)},
                "reviews": {
                    "count": reviews,
                    "seconds": round(time.seconds, 1),
                    "seconds_are": time.known.value,
                    "megabytes": time.megabytes,
                    "listed": round(sum(line.listed for line in each), 2),
                    "lines": _rows(each),
                },
            }
        )
    else:
        _tell(out, idle, f"A month without a push: ${floor:.2f} (${listed:.2f} without what AWS gives every account)")
        total = sum(line.listed for line in each)
        took = f"{time.seconds:.0f} s ({_KNOWN[time.known]})"
        said = f"{reviews:,} reviews of {took} and {time.megabytes} MB: ${total:.2f}, without the model"
        _tell(out, each, said)
        out.note(f"By AWS's list prices of {prices.as_of}, {prices.region}: aws_prices.toml names their sources.")
    if floor > ceiling:
        raise UserError(f"a month without a push costs ${floor:.2f}, more than ${ceiling:.2f}")


def price_list() -> Prices:
    """Read the price list that comes with the package."""
    read = tomllib.loads(files("codereview.cli").joinpath("aws_prices.toml").read_text())
    return Prices(
        as_of=read["as_of"],
        region=read["region"],
        hours_a_month=read["hours_a_month"],
        units={name: Price(**price) for name, price in read["unit"].items()},
        idle=read["idle"],
        review=read["review"],
        free_types=frozenset(read["free"]["types"]),
    )


def _read(path: Path) -> Template:
    try:
        template = json.loads(path.read_text())
    except ValueError as error:
        raise UserError(f"{path} is not JSON: it takes translated templates, as `make idle-cost` makes them") from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise UserError(f"{path} is no template")
    return template


def _memory(templates: Mapping[str, Template]) -> int:
    for template in templates.values():
        found = template["Resources"].get("ReviewerFunction", {}).get("Properties", {}).get("MemorySize")
        if isinstance(found, int | str) and str(found).isdecimal():
            return int(found)
    raise UserError("no template says how much memory a reviewer has: give --memory")


def _together(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Add up secrets and alarms, of which each is like the other."""
    added, single = dict[str, float](), list[Line]()
    for line in lines:
        if line.unit in ("secret", "alarm", "composite_alarm", "dashboard"):
            added[line.unit] = added.get(line.unit, 0) + line.count
        else:
            single.append(line)
    return (
        *(Line(what=f"{unit.replace('_', ' ')}s", unit=unit, count=count) for unit, count in added.items()),
        *single,
    )


def _rows(sums: Sequence[Sum]) -> list[dict[str, object]]:
    return [
        {
            "what": line.what,
            "count": round(line.count, 3),
            "per": line.per,
            "listed": round(line.listed, 4),
            "charged": round(line.charged, 4),
        }
        for line in sums
    ]


def _tell(out: Output, sums: Sequence[Sum], sentence: str) -> None:
    rows = [row for row, line in zip(_rows(sums), sums, strict=True) if line.listed >= _SHOWN_FROM]
    out.rows({"items": rows, "next": None}, _COLUMNS)
    out.note(sentence)
