"""How a path is shown to models, and which file of the change they mean when they write it back."""

from collections.abc import Sequence

from codereview.domain.change import FileChange


def shown_path(path: str) -> str:
    """Write a path on one line, so that a file's name cannot pretend to be another heading or row."""
    text = path.encode("utf-8", "replace").decode("utf-8")
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def find_file(path: str, files: Sequence[FileChange]) -> FileChange | None:
    """Find the file that a model means: by its new name, its old one, without a diff's prefix, in another case.

    Where two entries have one path (a link that became a file), the one with rows is meant. None if no file, or more
    than one, could be meant.
    """
    names = _readings(path)
    for name in names:
        named = [file for file in files if name in _names(file.path)]
        named = named or [file for file in files if file.old_path is not None and name in _names(file.old_path)]
        if named:
            return max(named, key=lambda file: (file.is_reviewable, len(file.hunks)))
    lowered = {name.lower() for name in names}
    alike = [file for file in files if file.path.lower() in lowered]
    alike = alike or [file for file in files if any(file.path.endswith(f"/{name}") for name in names)]
    return alike[0] if len(alike) == 1 else None


def _names(path: str) -> tuple[str, str]:
    return path, shown_path(path)


def _readings(path: str) -> list[str]:
    stripped = path.strip().strip("`\"'").removeprefix("./").removeprefix("/")
    readings = [path, stripped]
    readings += [stripped.removeprefix(prefix) for prefix in ("a/", "b/") if stripped.startswith(prefix)]
    return [reading for reading in readings if reading]
