"""Heads of audit chains, kept as names of objects: what the database says later is held to them.

The name alone says everything, so that nobody can change what an anchor says without leaving the old one standing.
"""

import re
from datetime import datetime

from codereview.domain.audit import Head
from codereview.domain.review import TenantId

FIRST_YEAR = 2026  # no release before it kept any
_KEY = re.compile(r"anchors/.+/\d{4}/(?P<seq>\d{19})-(?P<hash>[0-9a-f]{64})\.json", re.ASCII)


def anchors_of(tenant: TenantId, year: int) -> str:
    """Return the prefix of a chain's anchors of one year, of which there is at most one a day."""
    return f"anchors/{tenant.replace(':', '/')}/{year:04}/"


def anchor_key(tenant: TenantId, head: Head, *, at: datetime) -> str:
    """Name the object that holds a head; in a year's list, anchors stand in the order of the chain."""
    return f"{anchors_of(tenant, at.year)}{head.seq:019}-{head.hash.hex()}.json"


def anchored(key: str) -> Head | None:
    """Read a head out of its object's name; None for what is no anchor."""
    match = _KEY.fullmatch(key)
    return Head(seq=int(match["seq"]), hash=bytes.fromhex(match["hash"])) if match else None
