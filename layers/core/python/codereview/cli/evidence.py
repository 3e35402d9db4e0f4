"""`codereview evidence`: everything that tells of an incident, in one folder, without secrets."""

# ruff: noqa: PLC0415 -- what reaches AWS imports much, and `--help` waits for none of it

import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from codereview.adapters.system import SystemClock
from codereview.cli.control.output import Output
from codereview.cli.stacks import SPAN, json_option, reached, stack_option
from codereview.domain.evidence import Exhibit, Incident
from codereview.domain.evidence_digest import digest
from codereview.errors import UserError

_LOGS = "logs/"
_READABLE_BY_OWNER = 0o600


@click.command()
@click.argument("incident", type=click.Choice([incident.value for incident in Incident]))
@click.option("--since", type=SPAN, default="3h", show_default=True, help="How far to look back: 3h, 2d.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder to make, or a name that ends in .zip; one is chosen."
)
@click.option("--with-database", is_flag=True, help="Ask the database too, which wakes it.")
@stack_option
@json_option
def evidence(
    incident: str, since: timedelta, out: Path | None, stack: str | None, *, with_database: bool, as_json: bool
) -> None:
    """Collect logs, metrics, queues, tables and releases about INCIDENT; prints what stands out.

    Secrets, signed addresses, IP addresses and mail addresses are masked. Nothing is changed.
    """
    from codereview.bootstrap.account import request
    from codereview.bootstrap.evidence import collect_evidence

    name = reached(stack)
    asked = request()
    place = out or Path(f"evidence-{incident}-{SystemClock().now():%Y%m%dT%H%M%SZ}.zip")
    if place.exists():
        raise UserError(f"{place} is there already")
    collect = collect_evidence(name, Incident(incident), since=since, wakes_database=with_database)
    about = {"incident": incident, "stack": name, "collected_by": asked.actor.id, "since": str(since)}
    exhibits = list(collect({**about, "collected_at": asked.at.isoformat(timespec="seconds")}))
    _write(place, exhibits)
    Output(as_json=as_json).document(_summary(place, exhibits))


def _write(place: Path, exhibits: list[Exhibit]) -> None:
    """Write a folder or an archive that only its owner can read."""
    try:
        if place.suffix == ".zip":
            place.touch(mode=_READABLE_BY_OWNER, exist_ok=False)
            with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
                for each in exhibits:
                    archive.writestr(f"{place.stem}/{each.name}", each.text)
            return
        place.mkdir(mode=0o700, parents=True)
        for each in exhibits:
            path = place / each.name
            path.parent.mkdir(exist_ok=True)
            path.write_text(each.text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(f"cannot write {place}: {error.strerror}") from error


def _summary(place: Path, exhibits: list[Exhibit]) -> dict[str, Any]:
    texts = {each.name: each.text for each in exhibits}
    logs = {
        name.removeprefix(_LOGS).removesuffix(".jsonl"): text for name, text in texts.items() if name.startswith(_LOGS)
    }
    told = json.loads(texts["manifest.json"])

    def read(name: str) -> Any:
        return json.loads(texts[name]) if name in texts else None

    queues, waiting, workers = read("queues.json"), read("waiting.json"), read("workers.json")
    return {
        "written_to": str(place),
        "files": len(exhibits),
        "masked": sum(each["masked"] for each in told["files"]),
        "missing": told["missing"],
        "not_green": {each["subject"]: each["said"] for each in read("doctor.json") or [] if each["colour"] != "green"},
        "queues": {name: found["depth"] for name, found in (queues or {}).items()},
        "workers": {name: found[0] for name, found in (workers or {}).items()},
        "waiting": waiting["by_reason"] if waiting else None,
        "alarms": [each["AlarmName"] for each in read("alarms.json") or [] if each["StateValue"] == "ALARM"],
        **digest(logs),
    }
