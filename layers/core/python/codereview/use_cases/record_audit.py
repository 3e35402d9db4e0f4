"""Writes what was done to the system into the audit log."""

from dataclasses import dataclass

from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.audit_codec import decode_audit
from codereview.errors import CodeReviewError, PermanentError
from codereview.ports import AuditLog


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAudit:
    """The use case of the audit entries in the record queue."""

    log: AuditLog

    def handle(self, body: str) -> AuditEntry:
        """Write one message's entry; doing it again changes nothing.

        Raises CodeReviewError for an entry that this code cannot read, which the queue keeps among its dead letters:
        what was done must not disappear because it was told in words that we do not know, or do not know yet.
        """
        try:
            entry = decode_audit(body)
        except PermanentError as error:
            raise CodeReviewError(str(error)) from error
        self.log.append([entry])
        return entry
