"""A folder in place of the bucket, for a record on this machine."""

import hashlib
from pathlib import Path

from codereview.ports import StoredObject

_AT_ONCE = 1_000


class FolderShelf:
    """record_ports.Shelf as files; keys are made by us, of ids only."""

    def __init__(self, folder: Path) -> None:
        """Keep everything below `folder`."""
        self._folder = folder

    def put(self, key: str, data: bytes, *, content_type: str = "") -> StoredObject:  # noqa: ARG002 -- files have none
        """Write the file as a whole or not at all."""
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.part")
        partial.write_bytes(data)
        partial.replace(path)
        return StoredObject(key=key, sha256=hashlib.sha256(data).hexdigest())

    def get(self, key: str) -> bytes | None:
        """Read the file."""
        try:
            return (self._folder / key).read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        """Remove the file."""
        (self._folder / key).unlink(missing_ok=True)

    def keys(self, prefix: str) -> list[str]:
        """List files below a prefix that ends with a slash."""
        files = (path for path in (self._folder / prefix).rglob("*") if path.is_file())
        return sorted(path.relative_to(self._folder).as_posix() for path in files)[:_AT_ONCE]
