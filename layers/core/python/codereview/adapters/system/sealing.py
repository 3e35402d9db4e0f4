"""Sealing with AES-256-GCM, under a key that is in no store."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from codereview.errors import PermanentError

_NONCE_BYTES = 12


class AesSeal:
    """The deployment's seal. Each thing is sealed under a random nonce, of which far fewer than 2^32 are ever drawn."""

    def __init__(self, signing_key: bytes) -> None:
        """Derive the seal's own key from the deployment's."""
        self._cipher = AESGCM(hmac.digest(signing_key, b"seal", hashlib.sha256))

    def close(self, data: bytes, *, bound: str) -> bytes:
        """Seal for one place."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, bound.encode())

    def open(self, sealed: bytes, *, bound: str) -> bytes:
        """Open what was sealed for the place."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound.encode())
        except (InvalidTag, ValueError) as error:
            raise PermanentError("what is kept was not sealed here") from error
