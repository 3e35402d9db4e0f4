"""Values as an audit entry shows them: plain JSON, without what must not be shown."""

from collections.abc import Hashable
from functools import cache
from typing import Any

from pydantic import TypeAdapter

# A hash of 256 random bits gives nothing away, but an audit log is no place to look for one.
_HIDDEN = {"hash"}


def described(value: Any) -> dict[str, Any]:
    """Return a dataclass of the control plane as a JSON object."""
    kind: Hashable = type(value)
    plain = _type(kind).dump_python(value, mode="json")
    return {name: content for name, content in plain.items() if name not in _HIDDEN}


@cache
def _type(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
