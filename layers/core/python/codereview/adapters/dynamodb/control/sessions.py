"""Sign-ins on the control table."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.documents import Documents, Place
from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.people import Session

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class DynamoSessions:
    """The `session#` items; the table's TTL removes them, some time after they ran out."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._documents = Documents(client, table, Session)

    def load(self, session_id: str) -> Session | None:
        """Read one by id."""
        stored = self._documents.load(_pk(session_id))
        return stored.value if stored else None

    def begin(self, session: Session, *, audit: AuditEntry | None) -> None:
        """Store a new one."""
        self._documents.save(_place(session), session, version=0, audit=audit)

    def end(self, session_id: str, *, at: datetime, audit: AuditEntry | None) -> None:
        """End it; one that ended already is left alone."""
        stored = self._documents.load(_pk(session_id))
        if stored is None or stored.value.ended_at is not None:
            return
        ended = replace(stored.value, ended_at=at)
        self._documents.save(_place(ended), ended, version=stored.version, audit=audit)


def _pk(session_id: str) -> str:
    return f"session#{session_id}"


def _place(session: Session) -> Place:
    return Place(pk=_pk(session.id), expires_at=int(session.expires_at.timestamp()))
