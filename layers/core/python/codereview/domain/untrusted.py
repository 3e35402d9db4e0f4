"""Single values out of strangers' JSON objects, each checked; a refusal names the field and quotes nothing."""

import re
from collections.abc import Mapping
from typing import Any

from codereview.errors import PermanentError

_LARGEST_ID = 2**63 - 1  # what Postgres and DynamoDB hold, and more than GitHub will ever number

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FULL_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


def object_in(parent: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the object under `name`."""
    value = parent.get(name)
    if not isinstance(value, dict):
        raise PermanentError(f"{name} is not an object")
    return value


def text_in(parent: Mapping[str, Any], name: str) -> str:
    """Return the text under `name`, which may be empty and may hold anything."""
    value = parent.get(name)
    if not isinstance(value, str):
        raise PermanentError(f"{name} is not a text")
    return value


def is_id(value: object) -> bool:
    """Tell whether the value is one of GitHub's numbers; True and 1.0 are none, although Python counts them as 1."""
    return type(value) is int and 0 < value <= _LARGEST_ID


def id_in(parent: Mapping[str, Any], name: str) -> int:
    """Return the positive number under `name`."""
    value = parent.get(name)
    if type(value) is not int or not is_id(value):
        raise PermanentError(f"{name} is not a positive 64-bit number")
    return value


def sha_in(parent: Mapping[str, Any], name: str) -> str:
    """Return the commit id under `name`: 40 hex digits, or 64 in a SHA-256 repository."""
    value = text_in(parent, name)
    if not _SHA.fullmatch(value):
        raise PermanentError(f"{name} is not a commit id")
    return value


def guid_of(value: str | None, name: str) -> str:
    """Return the GUID in lower case."""
    guid = (value or "").lower()
    if not _GUID.fullmatch(guid):
        raise PermanentError(f"{name} is not a GUID")
    return guid


def is_full_name(value: str) -> bool:
    """Tell whether a repository's `owner/name` is one that GitHub can have given out."""
    return _FULL_NAME.fullmatch(value) is not None
