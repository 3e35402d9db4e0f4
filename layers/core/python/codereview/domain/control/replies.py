"""Answers to requests with an Idempotency-Key: the same request is answered once, and then the same again."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """Nobody has answered the request: the caller does, and has the name until the claim runs out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Another worker answers it until then."""

    fingerprint: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """It was answered. `reply` is sealed."""

    fingerprint: str
    reply: bytes


Claim = Fresh | Running | Kept
