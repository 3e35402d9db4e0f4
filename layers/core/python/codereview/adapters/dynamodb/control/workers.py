"""Notes on what an operator scaled away from, on the control table."""

from dataclasses import replace
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.documents import Documents, Place
from codereview.domain.control.audit import AuditEntry
from codereview.domain.workers import ScalingNote, WorkerKind

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class DynamoScalingNotes:
    """The `workers#` items."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._documents = Documents(client, table, ScalingNote)

    def load(self, kind: WorkerKind) -> ScalingNote | None:
        """Read one."""
        stored = self._documents.load(_pk(kind))
        return replace(stored.value, version=stored.version) if stored else None

    def save(self, note: ScalingNote, *, audit: AuditEntry) -> None:
        """Write it down; of two operators at once, one hears StaleVersionError."""
        self._documents.save(Place(pk=_pk(note.kind)), note, version=note.version, audit=audit)

    def remove(self, note: ScalingNote, *, audit: AuditEntry) -> None:
        """Delete what was read."""
        self._documents.remove(_pk(note.kind), version=note.version, audit=audit)


def _pk(kind: WorkerKind) -> str:
    return f"workers#{kind.value}"
