"""How an audit entry looks at rest and in the record queue: JSON, marked, since reviews travel there too."""

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from codereview.domain.control.audit import AuditEntry
from codereview.errors import PermanentError

AUDIT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    audit: AuditEntry
    kind: Literal["audit"] = "audit"
    version: int = AUDIT_VERSION


_MESSAGE = TypeAdapter(_Message)


def encode_audit(entry: AuditEntry) -> str:
    """Serialise an entry."""
    return _MESSAGE.dump_json(_Message(audit=entry)).decode()


def decode_audit(body: str) -> AuditEntry:
    """Read an entry back; raises PermanentError where it is none of ours, or of an unknown version."""
    try:
        message = _MESSAGE.validate_json(body)
    except ValidationError as error:
        raise PermanentError(f"not an audit message: {error.error_count()} problems") from error
    if message.version != AUDIT_VERSION:
        raise PermanentError(f"audit message of unknown version {message.version}")
    return message.audit
