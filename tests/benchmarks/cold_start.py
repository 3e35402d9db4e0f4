"""Cold start, warm answer and memory of our functions, beside an empty handler and one that only makes an SQS client.

Run by `make bench`, which builds the layers first. No test: what it prints depends on the machine, so compare only what
one run printed. INIT is what Lambda calls so; `cold` adds the first answer, which makes the connections.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.aws import start as start_emulator
from local.processes import Processes, free_ports
from tests.adapters.aws_server import ACCESS_KEY, REGION, SECRET_KEY, SESSION_TOKEN, aws_server
from tests.benchmarks.callers import make_key
from tests.benchmarks.sandbox import ROOT, Function, Start, run_once
from tests.functions.api.world import event
from tests.functions.webhook_world import delivery, pull_request

_STARTS = 9
_WARM = 100
_WEBHOOK_SECRET = "canary-webhook-secret"
# A message that the reviewer refuses after everything that it is made of was put together.
_NO_ENVELOPE = {
    "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
    "body": "{}",
    "attributes": {"ApproximateReceiveCount": "1"},
    "messageAttributes": {},
    "md5OfBody": "99914b932bd37a50b983c5e7c90ae93b",
    "eventSource": "aws:sqs",
    "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:reviews",
    "awsRegion": REGION,
}
_EMPTY_API = "empty Powertools"
_EMPTY = "def handle(event, context):\n    return {}\n"
_POWERTOOLS = """
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

app = APIGatewayHttpResolver()
LOGGER = Logger(service="empty")


@app.get("/status")
def status():
    return {}


def handle(event, context):
    answer = app.resolve(event, context)
    LOGGER.info("Request")
    return answer
"""
_WITH_KEY = "api with a key"
# Nobody's, and answered from memory: it is the function that is measured, and not the table behind it.
_STATUS = event("GET", "/status")
_SDK = f"import boto3\n\nSQS = boto3.client('sqs', region_name='{REGION}')\n\n{_EMPTY}"


def main() -> None:
    """Measure each function and print the table."""
    template = _newest_build()
    with tempfile.TemporaryDirectory() as name, Processes([Path(name) / "tmp"]) as processes, aws_server() as aws:
        folder = Path(name)
        (port,) = free_ports(1)
        emulator = start_emulator(processes, folder=folder / "emulator", port=port)
        secrets = {"current": _WEBHOOK_SECRET, "app_id": "1", "private_key": _pem(), "api_key": "x"}
        aws.secret = json.dumps(secrets | {"signing_key": "x" * 64})
        functions = [
            _made_up(folder, "empty handler", _EMPTY, []),
            _made_up(folder, "boto3 SQS client", _SDK, _layers(template, "ReviewerFunction")[:1]),
            _ours(template, "webhook", aws.url, delivery(pull_request(), secret=_WEBHOOK_SECRET.encode())),
            _ours(template, "reviewer", aws.url, {"Records": [_NO_ENVELOPE]}),
            _made_up(folder, _EMPTY_API, _POWERTOOLS, _layers(template, "ApiFunction")[:1], _STATUS),
            _ours(template, "api", aws.url, _STATUS),
            _with_key(_ours(template, "api", aws.url, _STATUS), emulator.endpoint_url),
        ]
        table = _measure(functions, folder / "log")
    _print(table)
    if refused := [name for name, starts in table.items() if str(starts[-1].status) not in ("ok", "200", "202")]:
        sys.exit(f"These did not do their work, so that their figures mean nothing: {', '.join(refused)}")


def _newest_build() -> Path:
    """Find what `python -m local.build` made last."""
    complete = sorted((ROOT / ".local/cache/build").glob("*/complete"), key=lambda path: path.stat().st_mtime)
    if not complete:
        sys.exit("Nothing is built yet: run `make bench`, or `make build` first.")
    return complete[-1].with_name("template.yaml")


def _resources(template: Path) -> dict[str, Any]:
    resources: dict[str, Any] = yaml.safe_load(template.read_text())["Resources"]
    return resources


def _layers(template: Path, function: str) -> list[Path]:
    """Return the folders that Lambda would put on the function's import path, in its order."""
    resources = _resources(template)
    names = [layer["Ref"] for layer in resources[function]["Properties"]["Layers"]]
    return [template.parent / resources[name]["Properties"]["ContentUri"] / "python" for name in names]


def _made_up(
    folder: Path, name: str, source: str, layers: Sequence[Path], sent: Mapping[str, Any] | None = None
) -> Function:
    place = folder / name.replace(" ", "-")
    place.mkdir()
    (place / "handler.py").write_text(source)
    return Function(name=name, folder=place, layers=layers, environment=_credentials(), event=sent or {})


def _ours(template: Path, name: str, endpoint: str, event: Mapping[str, Any]) -> Function:
    logical_id = f"{name.title()}Function"
    properties = _resources(template)[logical_id]["Properties"]
    variables = properties["Environment"]["Variables"]
    return Function(
        name=name,
        folder=(template.parent / properties["CodeUri"]).resolve(),
        layers=_layers(template, logical_id),
        environment={
            "STAGE": "dev",
            **{key: _value(key, value) for key, value in variables.items()},
            **_credentials(endpoint),
        },
        event=event,
    )


def _with_key(api: Function, endpoint_url: str) -> Function:
    """Let a program with a key ask; its key, its tenant and their buckets lie in an emulated table."""
    session = boto3.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, aws_session_token=SESSION_TOKEN
    )
    client = session.client("dynamodb", REGION, endpoint_url=endpoint_url)
    given = api.environment
    token = make_key(client, given["CONTROL_TABLE"], environment=given["STAGE"])
    return replace(
        api,
        name=_WITH_KEY,
        environment={**given, "AWS_ENDPOINT_URL_DYNAMODB": endpoint_url},
        event=event("GET", "/v1/me", headers={"authorization": f"Bearer {token}"}),
    )


def _value(name: str, value: object) -> str:
    """Fill in what the deployment would: the template's own text, or something of the right form."""
    if isinstance(value, str):
        return value
    made_up = {
        "_URL": "https://sqs.example.test/1/queue",
        "GITHUB_HOST": "github.com",
        "MODEL": "mock",
        "STAGE": "dev",
        "OPERATORS": "1",
        "MAX_CONCURRENT_REVIEWS": "10",
        "MODEL_PRICES": "3,0.3,15",
    }
    return next((text for ending, text in made_up.items() if name.endswith(ending)), name.lower().replace("_", "-"))


def _credentials(endpoint: str | None = None) -> dict[str, str]:
    return {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        **({"AWS_ENDPOINT_URL": endpoint} if endpoint else {}),
    }


def _pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def _measure(functions: Sequence[Function], log: Path) -> dict[str, list[Start]]:
    """Start each function several times, in turn, so that whatever else the machine does meets all of them alike.

    Each is started once before that, so that all have their modules compiled and in the page cache.
    """
    for function in functions:
        run_once(function, log, later=0)
    table: dict[str, list[Start]] = {function.name: [] for function in functions}
    for _ in range(_STARTS):
        for function in functions:
            table[function.name].append(run_once(function, log, later=_WARM))
    return table


def _print(table: Mapping[str, Sequence[Start]]) -> None:
    sdk_init = statistics.median(start.init for start in table["boto3 SQS client"])
    lines = [
        f"Medians of {_STARTS} starts and {_WARM} warm calls each, under the Runtime Interface Emulator; RSS: peak",
        f"{'function':18}{'INIT ms':>9}{'(least)':>9}{'of boto3':>10}{'cold ms':>9}{'warm ms':>9}{'RSS MB':>9}  answer",
    ]
    for name, starts in table.items():
        init = statistics.median(start.init for start in starts)
        least = min(start.init for start in starts)
        cold = statistics.median(start.init + start.first for start in starts)
        warm = _warm(starts)
        megabytes = max(start.megabytes for start in starts)
        answer = starts[-1].status
        lines.append(
            f"{name:18}{init:9.1f}{least:9.1f}{init / sdk_init:10.2f}{cold:9.1f}{warm:9.2f}{megabytes:9.1f}  {answer}"
        )
    ratio = _warm(table["api"]) / _warm(table[_EMPTY_API])
    lines.append(
        f"A warm answer of api takes {ratio:.1f} times that of an empty Powertools handler (at most 3 is the aim)"
    )
    lines.append(
        f"With a key it takes {_warm(table[_WITH_KEY]):.2f} ms, most of it for three requests to the emulated table: "
        "the key, its tenant, and both buckets in one write"
    )
    sys.stdout.write("\n".join(lines) + "\n")


def _warm(starts: Sequence[Start]) -> float:
    return statistics.median(duration for start in starts for duration in start.later)


if __name__ == "__main__":
    main()
