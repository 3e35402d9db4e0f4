"""API keys and session tokens as texts: how they are made, read and hashed.

`acr_<env>_<id>_<secret><crc>`: a prefix that secret scanners know, the deployment's stage, an id to look the key up by,
32 random bytes in base62, and a CRC32 that tells a mistyped key from a wrong one without asking any store. Only the
SHA-256 of the whole text is kept: with 256 random bits there is nothing for a slow hash to protect.
"""

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_BYTES: Final = 32
_ID_LENGTH: Final = 22  # 128 bits in base62
_SECRET_LENGTH: Final = 43  # 256 bits
_CRC_LENGTH: Final = 6  # 32 bits
LONGEST_TOKEN: Final = 128

_TOKEN = re.compile(
    rf"(?P<kind>acr|acs)_(?P<environment>[a-z][a-z0-9-]{{0,31}})_(?P<id>[0-9A-Za-z]{{{_ID_LENGTH}}})"
    rf"_(?P<secret>[0-9A-Za-z]{{{_SECRET_LENGTH}}})(?P<crc>[0-9A-Za-z]{{{_CRC_LENGTH}}})",
    re.ASCII,
)


class TokenKind(StrEnum):
    """What the token stands for; also its prefix."""

    KEY = "acr"
    SESSION = "acs"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedToken:
    """A token whose form and checksum are right; whether it is one of ours, only the store knows."""

    kind: TokenKind
    id: str
    hash: str  # SHA-256 of the whole text, hex


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token that was just made. The text is shown once and never stored."""

    text: str
    id: str
    hash: str

    def __repr__(self) -> str:
        """Leave the text out: a token must not reach a log by way of a traceback."""
        return f"NewToken(id={self.id!r})"


def make_token(kind: TokenKind, *, environment: str, token_id: UUID, secret: bytes) -> NewToken:
    """Make a token from random bits that the caller drew: `secret` has SECRET_BYTES bytes."""
    return make_next_token(kind, environment=environment, id_text=_base62(token_id.int, _ID_LENGTH), secret=secret)


def make_next_token(kind: TokenKind, *, environment: str, id_text: str, secret: bytes) -> NewToken:
    """Make another token of an id that has one."""
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes")
    start = f"{kind}_{environment}_{id_text}_{_base62(int.from_bytes(secret), _SECRET_LENGTH)}"
    text = start + _checksum(start)
    if _TOKEN.fullmatch(text) is None:
        raise ValueError("the environment's name does not fit into a key")
    return NewToken(text=text, id=id_text, hash=hash_of(text))


def parse_token(text: str, *, environment: str) -> ParsedToken | None:
    """Read a token; None if its form, checksum or environment is wrong, which no store has to be asked about."""
    if len(text) > LONGEST_TOKEN:
        return None
    found = _TOKEN.fullmatch(text)
    if found is None or found["environment"] != environment or _checksum(text[:-_CRC_LENGTH]) != found["crc"]:
        return None
    return ParsedToken(kind=TokenKind(found["kind"]), id=found["id"], hash=hash_of(text))


def hash_of(text: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_same(one: str, other: str) -> bool:
    """Compare two hashes in constant time."""
    return hmac.compare_digest(one, other)


def _checksum(start: str) -> str:
    return _base62(zlib.crc32(start.encode()), _CRC_LENGTH)


def _base62(number: int, length: int) -> str:
    digits: list[str] = []
    for _ in range(length):
        number, rest = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[rest])
    return "".join(reversed(digits))
