"""What tells of an incident, collected by an operator."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_jsonable_python

from codereview.adapters.aws.inspection import Inspection
from codereview.adapters.aws.maintenance_function import LambdaMaintenance
from codereview.adapters.aws.telemetry import Telemetry
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.dynamodb.control.settings import DynamoFlags, DynamoQuotas
from codereview.adapters.dynamodb.waiting import DynamoWaiting
from codereview.adapters.system import SystemClock
from codereview.bootstrap.account import clients
from codereview.bootstrap.doctor import diagnose
from codereview.bootstrap.queues import watched_queues
from codereview.bootstrap.releases import operate_releases
from codereview.bootstrap.workers import operate_workers
from codereview.domain.evidence import FUNCTIONS, Incident
from codereview.domain.workers import WorkerKind
from codereview.use_cases.collect_evidence import CollectEvidence, Read

_MOST_LINES = 5_000
_MOST_WAITING = 400
_SERVICES = ("cloudwatch", "dynamodb", "lambda", "logs", "sqs")


def collect_evidence(stack: str, incident: Incident, *, since: timedelta, wakes_database: bool) -> CollectEvidence:
    """Name everything that tells of the incident; nothing is read yet."""
    opened, until = clients(*_SERVICES), SystemClock().now()
    place = _Place(stack=stack, clients=opened)
    telemetry = Telemetry(opened, stack, since=until - since, until=until)
    sources: dict[str, Read] = {
        "doctor.json": lambda: _doctor(stack),
        "workers.json": lambda: {kind.value: operate_workers(stack, kind).status() for kind in WorkerKind},
        "releases.json": lambda: operate_releases(stack).list(),
        "queues.json": place.queues,
        "waiting.json": place.waiting,
        "settings.json": place.settings,
        "alarms.json": telemetry.alarms,
        "metrics.json": lambda: telemetry.metrics(FUNCTIONS[incident], place.queue_names()),
    }
    for function in FUNCTIONS[incident]:
        sources[f"logs/{function}.jsonl"] = _log(telemetry, function)
    if wakes_database or incident is Incident.DATABASE_BLOAT:
        sources["database.json"] = place.database
    return CollectEvidence(sources={name: _plain(read) for name, read in sources.items()})


def _log(telemetry: Telemetry, function: str) -> Read:
    return lambda: telemetry.log(function, most=_MOST_LINES)


def _plain(read: Read) -> Read:
    """Read texts as they are, and everything else as plain JSON."""

    def plain() -> Any:
        content = read()
        return content if isinstance(content, str) else to_jsonable_python(content)

    return plain


def _doctor(stack: str) -> list[dict[str, Any]]:
    return [dataclasses.asdict(each) for each in diagnose(stack, asks_model=False, wakes_database=False)()]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The stack's stores."""

    stack: str
    clients: Mapping[str, Any]

    def _variables(self, function: str) -> Mapping[str, str]:
        return Inspection(self.clients, self.stack).variables(function)

    @property
    def _table(self) -> str:
        return self._variables("reconciler")["CONTROL_TABLE"]

    def queues(self) -> dict[str, Any]:
        queues = watched_queues(self.clients, self._variables("api"))
        return {queue.name: {"depth": queue.depth(), "moves": queue.moves()} for queue in queues}

    def queue_names(self) -> list[str]:
        api = self._variables("api")
        names = ("REVIEW_QUEUE_URL", "REVIEW_DEAD_LETTERS_URL", "RECORD_QUEUE_URL", "RECORD_DEAD_LETTERS_URL")
        return [api[name].rpartition("/")[2] for name in names]

    def waiting(self) -> dict[str, Any]:
        clock, client = SystemClock(), self.clients["dynamodb"]
        found = DynamoWaiting(client, self._table, clock).read(most=_MOST_WAITING)
        now: datetime = clock.now()
        return {
            "looked_at": len(found),
            "by_reason": Counter(each.reason or "under way" for each in found),
            "by_tenant": Counter(each.tenant for each in found),
            "overdue": sum(each.due_at < now for each in found),
            "audit_entries_unsent": len(DynamoAuditOutbox(client, self._table).unsent(now=now, limit=100)),
        }

    def settings(self) -> dict[str, Any]:
        client, table = self.clients["dynamodb"], self._table
        return {"flags": DynamoFlags(client, table).load(None), "limits": DynamoQuotas(client, table).load(None)}

    def database(self) -> Any:
        maintenance = LambdaMaintenance(self.clients["lambda"], f"{self.stack}-maintenance")
        return maintenance({"action": "status", "parameters": {}})
