"""The audit log's hash chain: whatever is done to the log afterwards can be told.

Each entry's hash covers its contents and the hash before it, which holds the middle; the end, and a chain that was
written anew, are held by heads that were anchored elsewhere. There is one chain a tenant, and one for what concerns the
whole deployment.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from codereview.domain.control.audit import AuditEntry
from codereview.domain.review import TenantId

# Whose chain holds what concerns no tenant; a tenant's id always has a colon.
DEPLOYMENT = TenantId("deployment")

_LARGEST_NUMBER = 10**18  # larger ones become text: not every reader of JSON keeps them
_MOST_FAULTS = 100
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode  # made once: a log is long


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last entry of a chain, or of a part of it: enough to go on from, and to hold the chain to later."""

    seq: int
    hash: bytes


GENESIS = Head(seq=0, hash=bytes(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """An entry in its place in the chain, with the values as the database gives them back."""

    tenant: TenantId
    seq: int  # 1-based, without gaps
    entry_id: UUID
    at: datetime
    actor: str  # "<kind>:<id>"
    action: str
    target: str
    details: Mapping[str, Any]
    prev_hash: bytes
    hash: bytes

    @property
    def head(self) -> Head:
        """The chain's head while this entry is the last."""
        return Head(seq=self.seq, hash=self.hash)


def chained(entry: AuditEntry, after: Head) -> AuditRecord:
    """Put an entry behind a head; every value is one that the database gives back as it was given."""
    actor = entry.actor
    record = AuditRecord(
        tenant=entry.tenant or DEPLOYMENT,
        seq=after.seq + 1,
        entry_id=entry.id,
        at=entry.at.astimezone(UTC),
        actor=_storable_text(f"{actor.kind}:{actor.id}"),
        action=_storable_text(entry.action),
        target=_storable_text(entry.target),
        details={
            "address": storable_json(actor.address),
            "before": storable_json(entry.before),
            "after": storable_json(entry.after),
            "request_id": storable_json(entry.request_id),
            "outcome": entry.outcome.value,
        },
        prev_hash=after.hash,
        hash=b"",
    )
    return replace(record, hash=digest(record))


def storable_json(value: Any) -> Any:
    """Turn a value into JSON that comes back from PostgreSQL's jsonb as it was.

    jsonb refuses NUL and lone surrogates, and writes numbers in its own way: whole ones without a point, none with an
    exponent. What JSON does not know becomes text.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    storable: Any
    match value:
        case None | bool():
            storable = value
        case int() | float() if abs(value) < _LARGEST_NUMBER:
            storable = value
        case Mapping():
            storable = {_storable_text(str(key)): storable_json(item) for key, item in value.items()}
        case list() | tuple():
            storable = [storable_json(item) for item in value]
        case _:
            storable = _storable_text(str(value))
    return storable


def digest(record: AuditRecord) -> bytes:
    """Hash a record's contents and the hash before it (SHA-256).

    Each part has its length in front, so that no text can be made to look like another split of the same letters.
    """
    parts = (
        record.tenant,
        str(record.seq),
        str(record.entry_id),
        record.at.astimezone(UTC).isoformat(timespec="microseconds"),
        record.actor,
        record.action,
        record.target,
        _ENCODE(record.details),
    )
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return hashlib.sha256(record.prev_hash + b"".join(b"%d:%b" % (len(data), data) for data in encoded)).digest()


class Problem(StrEnum):
    """What is wrong at a place of a chain."""

    ALTERED = "the entry is not the one that was hashed"
    UNLINKED = "the entry does not follow the one before it"
    GAP = "entries are missing, inserted or out of order here"
    CUT_OFF = "the entry that was anchored is not there"
    REWRITTEN = "the entry that was anchored was another one"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFault:
    """One problem, at the entry with this number."""

    seq: int
    problem: Problem


def is_audit_message(body: str) -> bool:
    """Tell an entry from a review: both travel through the record queue."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("kind") == "audit"


def verify(
    records: Iterable[AuditRecord], *, start: Head = GENESIS, anchors: Iterable[Head] = ()
) -> tuple[ChainFault, ...]:
    """List what is wrong with a tenant's chain, or with the part of it that follows `start`; nothing if it is whole.

    `records` come in the order of their numbers, one at a time; `anchors` are heads that were kept where nobody can
    change them. Without one, a chain that was cut off at its end or written anew from the first entry looks whole.
    At most 100 faults are listed.
    """
    anchored = {anchor.seq: anchor.hash for anchor in anchors if anchor.seq > start.seq}
    faults: list[ChainFault] = []
    previous = start
    for record in records:
        faults += _faults_of(record, previous, anchored.pop(record.seq, None))
        previous = record.head
        if len(faults) >= _MOST_FAULTS:
            return tuple(faults[:_MOST_FAULTS])
    faults += (ChainFault(seq=seq, problem=Problem.CUT_OFF) for seq in sorted(anchored))
    return tuple(faults[:_MOST_FAULTS])


def _faults_of(record: AuditRecord, previous: Head, anchored_hash: bytes | None) -> list[ChainFault]:
    problems = []
    if record.seq != previous.seq + 1:
        problems.append(Problem.GAP)
    if record.prev_hash != previous.hash:
        problems.append(Problem.UNLINKED)
    if record.hash != digest(record):
        problems.append(Problem.ALTERED)
    if anchored_hash not in (None, record.hash):
        problems.append(Problem.REWRITTEN)
    return [ChainFault(seq=record.seq, problem=problem) for problem in problems]


def _storable_text(text: str) -> str:
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
