"""Keeps the heads of audit chains where the database's owner cannot reach, and holds the chains to them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from codereview.domain.audit import GENESIS, AuditRecord, ChainFault, Head, verify
from codereview.domain.audit_anchors import FIRST_YEAR, anchor_key, anchored, anchors_of
from codereview.domain.review import TenantId
from codereview.errors import PermanentError, RetryableError
from codereview.ports import Clock
from codereview.record_ports import AuditChains, Shelf

_CHAINS = "anchors/chains.json"


class BrokenChainError(PermanentError):
    """An audit chain is not what it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """A chain, as it was found; without an anchor its end is only the database's word."""

    tenant: TenantId
    entries: int
    anchors: int
    anchored_up_to: int
    head: str  # "SEQ:HASH", to be kept elsewhere
    faults: tuple[ChainFault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorReport:
    """What a night's anchoring did."""

    chains: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAnchors:
    """Verifies and anchors chains."""

    clock: Clock
    chains: AuditChains
    shelf: Shelf

    def verify(self, tenant: TenantId | None, *, anchors: Sequence[Head], deadline: datetime) -> list[ChainReport]:
        """Verify a chain from its first entry, or all; `anchors` are heads that the caller kept elsewhere.

        A chain that is not there, though there are anchors of it, is broken too. Raises RetryableError at the deadline.
        """
        tenants = [tenant] if tenant is not None else self._known()
        return [self._verify(each, anchors, deadline) for each in tenants]

    def _verify(self, tenant: TenantId, anchors: Sequence[Head], deadline: datetime) -> ChainReport:
        kept = self._anchors(tenant)
        read = _Counted(self.chains.records(tenant), clock=self.clock, deadline=deadline)
        faults = verify(read, anchors=[*kept, *anchors])
        return ChainReport(
            tenant=tenant,
            entries=read.count,
            anchors=len(kept),
            anchored_up_to=max((head.seq for head in kept), default=0),
            head=f"{read.head.seq}:{read.head.hash.hex()}",
            faults=faults,
        )

    def keep(self, *, deadline: datetime) -> AnchorReport:
        """Verify what came to each chain since its last anchor, and anchor its head.

        Raises BrokenChainError for the first chain that is not what it was; it gets no anchor, and the others do.
        """
        broken, kept = list[str](), 0
        tenants = self._known()
        # A chain that is emptied one day is still looked for.
        self.shelf.put(_CHAINS, json.dumps(tenants).encode())
        for tenant in tenants:
            last = max(self._anchors(tenant), key=lambda head: head.seq, default=GENESIS)
            read = _Counted(self.chains.records(tenant, start=last), clock=self.clock, deadline=deadline, head=last)
            faults = verify(read, start=last)
            if faults or self.chains.hash_of(tenant, last.seq) != last.hash:
                broken.append(tenant)
            elif read.head != last:
                now = self.clock.now()
                said = {"seq": read.head.seq, "hash": read.head.hash.hex(), "at": now.isoformat()}
                self.shelf.put(anchor_key(tenant, read.head, at=now), json.dumps(said).encode())
                kept += 1
        if broken:
            raise BrokenChainError(f"audit chains are broken: {', '.join(broken)}")
        return AnchorReport(chains=len(tenants), kept=kept)

    def _known(self) -> list[TenantId]:
        """Name the chains that there are, and those that there were."""
        before = json.loads(self.shelf.get(_CHAINS) or b"[]")
        return sorted({*self.chains.tenants(), *map(TenantId, before)})

    def _anchors(self, tenant: TenantId) -> list[Head]:
        years = range(FIRST_YEAR, self.clock.now().year + 1)
        keys = (key for year in years for key in self.shelf.keys(anchors_of(tenant, year)))
        return [head for key in keys if (head := anchored(key)) is not None]


class _Counted:
    """Counts entries as they are read, and stops in time."""

    def __init__(
        self, records: Iterator[AuditRecord], *, clock: Clock, deadline: datetime, head: Head = GENESIS
    ) -> None:
        self._records, self._clock, self._deadline = records, clock, deadline
        self.count = 0
        self.head = head

    def __iter__(self) -> Iterator[AuditRecord]:
        for record in self._records:
            self.count += 1
            self.head = record.head
            yield record
            if self.count % 1_000 == 0 and self._clock.now() >= self._deadline:
                raise RetryableError("the chain is too long to be verified in the time that is left")
