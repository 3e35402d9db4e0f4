"""Values as an audit entry shows them: plain JSON, without what must not be shown."""

from typing import Any

from pydantic_core import to_jsonable_python

# A hash of 256 random bits gives nothing away, but an audit log is no place to look for one.
_HIDDEN = {"hash"}


def described(value: object) -> dict[str, Any]:
    """Return a dataclass of the control plane as a JSON object."""
    shown: dict[str, Any] = _without_hidden(to_jsonable_python(value))
    return shown


def _without_hidden(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {name: _without_hidden(content) for name, content in plain.items() if name not in _HIDDEN}
    if isinstance(plain, list):
        return [_without_hidden(each) for each in plain]
    return plain
