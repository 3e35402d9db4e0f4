"""`codereview exports`: a tenant's findings as a file."""

import time
from pathlib import Path

import click
import httpx

from codereview.cli.control.api import Document
from codereview.cli.control.connection import Control, connected, limit_option
from codereview.cli.control.failures import CommandError, ExitCode
from codereview.cli.control.values import MOMENT
from codereview.domain.control.exports import ExportState
from codereview.domain.export import ExportFormat

_EXPORTS = (
    ("ID", "id"),
    ("FORMAT", "format"),
    ("SINCE", "since"),
    ("UNTIL", "until"),
    ("STATE", "state"),
    ("STARTED", "started_at"),
)
_LOOK_EVERY = 2.0  # seconds
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
output_option = click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write the file to, once it is there."
)


@click.group()
def exports() -> None:
    """Findings as CSV, JSON Lines or SARIF: start, show, list."""


@exports.command()
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in ExportFormat]),
    default=ExportFormat.JSON_LINES.value,
    show_default=True,
)
@click.option("--since", type=MOMENT, help="From when on; ninety days before the end if left out.")
@click.option("--until", type=MOMENT, help="Until when; now if left out.")
@click.option("--follow", is_flag=True, help="Stay until it is written.")
@output_option
@connected
def start(
    control: Control, form: str, since: str | None, until: str | None, output: Path | None, *, follow: bool
) -> None:
    """Have the findings of a period written; with --output fetch them, too."""
    tenant = control.tenant()
    wanted = {"format": form, "since": since, "until": until}
    job = control.call("exports.start", {"tenant": tenant}, wanted).document
    if follow or output is not None:
        job = _followed(control, tenant, job["id"])
    _hand_over(control, job, output)


@exports.command()
@click.argument("job")
@output_option
@connected
def show(control: Control, job: str, output: Path | None) -> None:
    """Show how an export stands; with --output fetch it."""
    found = control.call("exports.show", {"tenant": control.tenant(), "job": job}).document
    if output is not None:
        _require_done(found)
    _hand_over(control, found, output)


@exports.command("list")
@limit_option
@connected
def list_exports(control: Control, limit: int) -> None:
    """List the exports of the last seven days, the latest first."""
    control.show_list("exports.list", {"tenant": control.tenant()}, _EXPORTS, limit=limit)


def _followed(control: Control, tenant: str, job_id: str) -> Document:
    """Look again and again until it has ended; raises CommandError where it failed."""
    began = time.monotonic()
    while True:
        job = control.call("exports.show", {"tenant": tenant, "job": job_id}).document
        if job["state"] != ExportState.RUNNING:
            _require_done(job)
            return job
        control.out.note(f"{job_id} is being written, for {time.monotonic() - began:.0f} s")
        time.sleep(_LOOK_EVERY)


def _require_done(job: Document) -> None:
    if job["state"] == ExportState.RUNNING:
        raise CommandError(f"{job['id']} is still being written", ExitCode.CONFLICT)
    if job["state"] == ExportState.FAILED:
        raise CommandError(f"{job['id']} was not written; the log of the maintenance function says why")


def _hand_over(control: Control, job: Document, output: Path | None) -> None:
    if output is not None:
        size = _fetch(job["url"], output)
        control.out.note(f"{job['rows']} findings, {size} bytes, in {output}")
    if job.get("is_cut"):
        control.out.note(f"There are more: go on with --since {job['last']}")
    control.out.document(job)


def _fetch(url: str, output: Path) -> int:
    """Write the file under another name first: what has the name is whole. The address is the whole right to it."""
    partial = output.with_name(f"{output.name}.part")
    try:
        with httpx.stream("GET", url, timeout=_TIMEOUT) as response, partial.open("wb") as file:
            if not response.is_success:
                raise CommandError(f"the export cannot be fetched: {response.status_code}", ExitCode.UNAVAILABLE)
            for part in response.iter_bytes():
                file.write(part)
        partial.replace(output)
    except httpx.HTTPError as error:
        raise CommandError(f"the export cannot be fetched: {type(error).__name__}", ExitCode.UNAVAILABLE) from error
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    return output.stat().st_size
