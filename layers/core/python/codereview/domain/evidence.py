"""What is collected about an incident, and how it is made fit to be shown to others."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from codereview.domain.masking import MASK, mask_secrets

# What AWS and GitHub sign requests with travels in addresses, and is no secret by its form.
_SIGNED = re.compile(r"(?i)(x-amz-(?:signature|credential|security-token)|client_secret|code|token)=[^&\s\"'\\]+")
_ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")


class Incident(StrEnum):
    """What an operator looks into; each but the last has a page under docs/runbooks."""

    WEBHOOK_BACKLOG = "webhook-backlog"
    WORKER_CRASH_LOOP = "worker-crash-loop"
    DATABASE_BLOAT = "database-bloat"
    RATE_LIMIT_SPIKES = "rate-limit-spikes"
    OTHER = "other"


# Whose logs tell of it.
FUNCTIONS: Mapping[Incident, tuple[str, ...]] = {
    Incident.WEBHOOK_BACKLOG: ("webhook", "reviewer", "reconciler"),
    Incident.WORKER_CRASH_LOOP: ("reviewer", "analyzer", "reconciler"),
    Incident.DATABASE_BLOAT: ("maintenance", "recorder", "reports"),
    Incident.RATE_LIMIT_SPIKES: ("api", "reports", "webhook", "reviewer"),
    Incident.OTHER: (
        *("webhook", "api", "reviewer", "analyzer", "reconciler"),
        *("recorder", "reports", "maintenance", "migrations"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One file of it."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Return the checksum, by which a change is seen later."""
        return hashlib.sha256(self.text.encode("utf-8", "replace")).hexdigest()

    @property
    def masked(self) -> int:
        """Count what was masked in it."""
        return self.text.count(MASK)


def exhibit(name: str, text: str) -> Exhibit:
    """Make a file without secrets, signed addresses, IP addresses and mail addresses."""
    masked = mask_secrets(text)
    masked = _SIGNED.sub(rf"\1={MASK}signature]", masked)
    masked = _MAIL.sub(f"{MASK}mail]", masked)
    return Exhibit(name=name, text=_ADDRESS.sub(f"{MASK}address]", masked))


def manifest(exhibits: Sequence[Exhibit]) -> list[dict[str, object]]:
    """List the files with their checksums."""
    return [
        {
            "name": each.name,
            "bytes": len(each.text.encode("utf-8", "replace")),
            "sha256": each.sha256,
            "masked": each.masked,
        }
        for each in exhibits
    ]
