"""Archived findings: one object a tenant and month, and the proof that it is whole.

The object is a gzip of PostgreSQL's COPY text with a header line: each further line is one row, since COPY writes a
line break within a value as two characters.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from codereview.domain.control.tenants import parse_tenant_id
from codereview.domain.review import TenantId
from codereview.errors import CodeReviewError

_GZIP = 31  # zlib's window bits for a gzip container, which it writes without a time: equal rows give equal bytes
_CHUNK = 1 << 20  # bytes


class ArchiveState(StrEnum):
    """Where an archived month of a tenant is."""

    VERIFIED = "verified"  # in the object, as read back, and still in the database
    DROPPED = "dropped"  # in the object only
    RESTORED = "restored"  # in the database again, and in the object
    DELETED = "deleted"  # nowhere: its time to be kept is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """One month of a tenant's findings in an object; `month` is its first day."""

    tenant: TenantId
    month: date
    key: str
    sha256: str  # hex, of the object's bytes
    row_count: int
    byte_count: int
    revision: str  # of the schema that it was written under
    state: ArchiveState
    created_at: datetime
    restored_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """An archive on its way to an object."""

    data: bytes
    row_count: int
    sha256: str


class DamagedArchiveError(CodeReviewError):
    """An archive is not what was written: nothing of it may be loaded, and nothing may be dropped for it."""


def archive_key(tenant: TenantId, month: date) -> str:
    """Name the object of a month; raises ValueError for what is no tenant, so that no key leads elsewhere."""
    if parse_tenant_id(tenant) is None:
        raise ValueError("not a tenant's id")
    return f"{archive_prefix(tenant)}findings/{month:%Y-%m}.copy.gz"


def archive_prefix(tenant: TenantId) -> str:
    """Name the folder of a tenant's archives."""
    return f"archives/{tenant.replace(':', '/')}/"


def packed(chunks: Iterable[bytes]) -> Packed:
    """Compress COPY's output as it comes, and count its rows."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    parts, lines = [], 0
    for chunk in chunks:
        lines += bytes(chunk).count(b"\n")
        parts.append(compressor.compress(chunk))
    data = b"".join([*parts, compressor.flush()])
    return Packed(data=data, row_count=lines - 1, sha256=hashlib.sha256(data).hexdigest())


def check(data: bytes | None, *, sha256: str, row_count: int) -> bytes:
    """Return the object's bytes if they are the ones that were archived; raises DamagedArchiveError."""
    if data is None:
        raise DamagedArchiveError("the archive is not there")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DamagedArchiveError("the archive is not the one that was written: its checksum differs")
    lines = sum(chunk.count(b"\n") for chunk in unpacked(data))
    if lines - 1 != row_count:
        raise DamagedArchiveError(f"the archive has {lines - 1} rows instead of {row_count}")
    return data


def unpacked(data: bytes) -> Iterator[bytes]:
    """Decompress piece by piece; raises DamagedArchiveError where it is no whole gzip."""
    decompressor = zlib.decompressobj(_GZIP)
    rest = data
    try:
        while rest:
            yield decompressor.decompress(rest, _CHUNK)
            rest = decompressor.unconsumed_tail
        yield decompressor.flush()
    except zlib.error as error:
        raise DamagedArchiveError("the archive is no gzip") from error
    if not decompressor.eof:
        raise DamagedArchiveError("the archive ends too early")


def columns(data: bytes) -> list[str]:
    """Read the names of the columns from the first line."""
    start = b""
    for chunk in unpacked(data):
        start += chunk
        if b"\n" in start:
            break
    return start.partition(b"\n")[0].decode("utf-8", "replace").split("\t")
