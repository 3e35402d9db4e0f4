"""Commands that people write into comments."""

# An allow-list of whole commands: there are no options, so that no comment can ever configure anything.
_COMMANDS = frozenset({"review", "review full"})

_LONGEST_LINE = 200  # characters; no command comes near


def command_of(comment: str | None, *, app_slug: str | None) -> str | None:
    """Return the command on the comment's first line in its canonical form, for example `review full`, or None.

    Both `/review` and `@<app_slug> review` count, in any case; quoted, indented or fenced text does not start with
    either. `app_slug` None switches the mention off: any other name's mention is talk between people.
    """
    line = (comment or "")[: _LONGEST_LINE + 1].replace("\r", "\n").split("\n", 1)[0]
    if len(line) > _LONGEST_LINE or line[:1].isspace():
        return None
    first, *rest = line.lower().split() or [""]
    if first.startswith("/"):
        words = [first.removeprefix("/"), *rest]
    elif app_slug is not None and first in (f"@{app_slug.lower()}", f"@{app_slug.lower()}[bot]"):
        words = rest
    else:
        return None
    command = " ".join(words)
    return command if command in _COMMANDS else None
