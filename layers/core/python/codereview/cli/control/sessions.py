"""The session of somebody who signed in, in a file that only they can read."""

import json
import os
from pathlib import Path

import click


def keep(address: str, token: str) -> Path:
    """Store a session, in place of any older one."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({"url": address, "token": token}, file)
    draft.replace(path)
    return path


def forget() -> None:
    """Remove the session."""
    _path().unlink(missing_ok=True)


def last_address() -> str | None:
    """Return the address of the session."""
    return _read().get("url")


def token_for(address: str) -> str | None:
    """Return the session's token, for the deployment that gave it and no other."""
    session = _read()
    return session.get("token") if session.get("url") == address else None


def _read() -> dict[str, str]:
    try:
        document = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in document.items() if isinstance(value, str)} if _is_object(document) else {}


def _is_object(document: object) -> bool:
    return isinstance(document, dict)


def _path() -> Path:
    return Path(click.get_app_dir("codereview")) / "session.json"
