"""The whole system on this machine: an emulated AWS with the real template in it, Postgres, and a GitHub.

`LocalStack` is a context: what it starts ends with it, and with the process that holds it.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Any, Self

from local import aws, build, database, deployment, gateway
from local.aws import Aws
from local.checkout import LOCAL, STATE_FILE, require_checkout
from local.database import Database
from local.deployment import Deployment
from local.environments import ensure_environment
from local.hub import Hub, start_hub
from local.processes import Processes, free_ports

STACK_NAME = "codereview-local"
_MOST_EVENTS = 10_000  # in an answer of the emulator, which does not say that there were more
OPERATOR = 1  # a GitHub account that the deployment takes for one of its own people

Report = Callable[[str, float], None]  # a step and the seconds that it took


def silent(_step: str, _seconds: float) -> None:
    """Report to nobody."""


@dataclass(slots=True)
class LocalStack:
    """The running system; `model` is the deployment's, `enforce_iam` holds each function to its role."""

    enforce_iam: bool = False
    model: str = "mock"
    report: Report = silent
    folder: Path = field(init=False)
    aws: Aws = field(init=False)
    database: Database = field(init=False)
    hub: Hub = field(init=False)
    deployment: Deployment = field(init=False)
    api_url: str = field(init=False)
    _open: ExitStack = field(init=False)

    def __enter__(self) -> Self:
        require_checkout()
        self._open = ExitStack()
        try:
            self._up()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        STATE_FILE.unlink(missing_ok=True)
        self._open.close()

    def _up(self) -> None:
        runs = LOCAL / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        self.folder = Path(mkdtemp(dir=runs))
        processes = self._open.enter_context(Processes([self.folder]))
        aws_port, database_port, hub_port = free_ports(3)
        with self._step("tools"):
            for name in ("emulator", "runtime", "sam"):
                ensure_environment(name)
        with self._step("emulated AWS, Postgres, GitHub, sam build"), ThreadPoolExecutor() as pool:
            started = pool.submit(
                aws.start, processes, folder=self.folder / "aws", port=aws_port, enforce_iam=self.enforce_iam
            )
            data = self.folder / "database"
            data.mkdir()
            data_server = pool.submit(database.start, processes, folder=data, port=database_port)
            hub = pool.submit(start_hub, processes, folder=self.folder, port=hub_port)
            built = pool.submit(build.build, processes)
            self.aws, self.database = started.result(), data_server.result()
            self.hub, template = hub.result(), built.result()
        with self._step("sam deploy"):
            self.deployment = deployment.deploy(
                processes, self.aws, template, name=STACK_NAME, parameters=self._parameters()
            )
        with self._step("secrets, API, webhook"):
            self._store_secrets()
            self.api_url = self._open.enter_context(
                gateway.serve(
                    endpoint_url=self.aws.endpoint_url,
                    api_id=self.deployment.outputs["ApiId"],
                    stage="$default",
                )
            )
            self.hub.set_webhook(f"{self.api_url}/webhooks/github")
        self._write_state()

    def _parameters(self) -> Mapping[str, str]:
        return {
            "Stage": "local",
            "Architecture": build.architecture(),
            "GitHubApiUrl": self.hub.url,
            "Model": self.model,
            "Operators": str(OPERATOR),
            "RecordWindow": "0",
            "DatabaseHost": "127.0.0.1",
            "DatabasePort": str(self.database.port),
            "LogRetentionDays": "1",
        }

    def _store_secrets(self) -> None:
        """Do what a person does after the first deploy: put in what only GitHub knows."""
        client: Any = self.aws.client("secretsmanager")
        app, outputs = self.hub.app(), self.deployment.outputs
        values = {
            "GitHubAppSecretArn": {"app_id": app["app_id"], "private_key": app["private_key"]},
            "WebhookSecretArn": {"current": app["webhook_secret"]},
        }
        for output, value in values.items():
            client.put_secret_value(SecretId=outputs[output], SecretString=json.dumps(value))

    def _write_state(self) -> None:
        """Tell other commands of this checkout where everything is."""
        STATE_FILE.write_text(
            json.dumps(
                {
                    "process": os.getpid(),
                    "api_url": self.api_url,
                    "github_url": self.hub.url,
                    "aws_url": self.aws.endpoint_url,
                    "database_dsn": self.database.superuser_dsn,
                    "outputs": dict(self.deployment.outputs),
                },
                indent=2,
            )
        )

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.report(name, time.monotonic() - started)

    def logs(self, function: str) -> list[str]:
        """Return what a function logged, oldest first."""
        client: Any = self.aws.client("logs")
        group = f"/aws/lambda/{STACK_NAME}-{function}"
        try:
            pages = list(client.get_paginator("describe_log_streams").paginate(logGroupName=group))
        except client.exceptions.ResourceNotFoundException:
            return []
        streams = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        events = list[dict[str, Any]]()
        for stream in streams:
            found = client.filter_log_events(logGroupName=group, logStreamNames=[stream])["events"]
            if len(found) == _MOST_EVENTS:
                raise RuntimeError(f"{stream} of {group} has more lines than can be read")
            events += found
        return [event["message"].rstrip("\n") for event in sorted(events, key=itemgetter("timestamp"))]
