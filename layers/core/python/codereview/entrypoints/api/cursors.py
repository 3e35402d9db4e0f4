"""Cursors: places in a list, signed and bound to that list, so that none leads into another one.

A cursor that somebody made or changed, of another tenant, route or filter, or of an older form, is refused.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import Final

from codereview.errors import RejectedError

_FORM: Final = "1"  # grows when what the lists are sorted by changes
_SIGNATURE_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursors:
    """Writes and reads cursors; `key` is the deployment's signing key."""

    key: bytes = field(repr=False)

    def write(self, place: str, *, bound: str) -> str:
        """Write a cursor; `bound` names the list: its route, tenant and filters."""
        data = place.encode()
        return base64.urlsafe_b64encode(self._signature(data, bound) + data).rstrip(b"=").decode()

    def read(self, cursor: str, *, bound: str) -> str:
        """Return the place; raises RejectedError for a cursor that is not one of this list's."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise _refusal() from error
        signature, data = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(data, bound)):
            raise _refusal()
        return data.decode()

    def _signature(self, data: bytes, bound: str) -> bytes:
        purpose = f"cursor {_FORM}\n{len(bound)}\n{bound}\n".encode()
        return hmac.digest(self.key, purpose + data, "sha256")[:_SIGNATURE_BYTES]


def _refusal() -> RejectedError:
    return RejectedError("the cursor does not belong to this list")
