"""Our signature at the end of what we post, by which a later run knows it again.

A marker is an HTML comment, so that nobody sees it, with a MAC over what it says, so that nobody else can write one.
Only the last line of a body counts: a marker that a model, or the code that it quotes, carries into the middle of our
own text proves nothing, not even a genuine one of an earlier review. Who the author of the body is, the caller checks.
"""

import hashlib
import hmac
import re
from uuid import UUID

from codereview.errors import ConfigurationError

_MARKER = re.compile(
    r"<!-- codereview:(?:review|finding) id=(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"(?: fp=(?P<fingerprint>[0-9a-f]{1,128}))? mac=(?P<mac>[0-9a-f]{64}) -->",
    re.ASCII,
)


def review_marker(review_id: UUID, key: bytes) -> str:
    """Return the line that ends the body of a review."""
    return f"<!-- codereview:review id={review_id} mac={_mac(key, 'review', str(review_id), '')} -->"


def finding_marker(review_id: UUID, fingerprint: str, key: bytes) -> str:
    """Return the line that ends an inline comment; `fingerprint` is the finding's, in hex."""
    mac = _mac(key, "finding", str(review_id), fingerprint)
    return f"<!-- codereview:finding id={review_id} fp={fingerprint} mac={mac} -->"


def review_marker_id(body: str, key: bytes) -> UUID | None:
    """Return the id of the review that the body is; None if it is none of ours, or says so without our signature."""
    found = _verified(body, key, "review")
    return UUID(found["id"]) if found else None


def finding_marker_fingerprint(body: str, key: bytes) -> str | None:
    """Return the fingerprint of the finding that the comment is about; None if it is none of ours."""
    found = _verified(body, key, "finding")
    return found["fingerprint"] if found else None


def _verified(body: str, key: bytes, kind: str) -> re.Match[str] | None:
    found = _MARKER.fullmatch(body.rstrip().rpartition("\n")[2].strip())
    if found is None:
        return None
    expected = _mac(key, kind, found["id"], found["fingerprint"] or "")
    return found if hmac.compare_digest(found["mac"].encode(), expected.encode()) else None


def _mac(key: bytes, kind: str, review_id: str, fingerprint: str) -> str:
    """Sign; the parts hold no newline, so that no two sets of them look alike."""
    if not key:
        raise ConfigurationError("markers need a key")
    return hmac.new(key, f"{kind}\n{review_id}\n{fingerprint}".encode(), hashlib.sha256).hexdigest()


def marker_key(private_key: str) -> bytes:
    """Derive the markers' key from the GitHub App's own: whoever holds that can post as us anyway.

    A new private key would make what we posted before strange to us, so that a rotation keeps this key beside it.
    """
    return hmac.digest(private_key.strip().encode(), b"codereview markers", hashlib.sha256)


def kept_marker_key(text: str | None) -> bytes | None:
    """Read the key that a rotation of the private key kept, in hex; None where there was no rotation."""
    if text is None:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ConfigurationError("the GitHub App's marker_key is not hex") from None
