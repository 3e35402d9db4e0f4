"""Where an exception was raised that nobody foresaw, in a few words that a query can count by."""

from traceback import walk_tb
from types import TracebackType

_PACKAGE = __file__.rpartition("domain")[0]


class During:
    """Notes what was under way on whatever is raised inside: code that several share does not say for whom it ran."""

    def __init__(self, what: str) -> None:
        """Name it."""
        self._what = what

    def __enter__(self) -> None:
        """Begin it."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        """Add the note, once."""
        if error is not None and self._what not in getattr(error, "__notes__", ()):
            error.add_note(self._what)


def raised_at(error: BaseException) -> str | None:
    """Name the innermost place of our own, like `agents/agent.py:42 request (agent security)`; None if none is ours.

    Nothing of the error's text is in it, which can quote a tenant's code.
    """
    ours = [
        f"{frame.f_code.co_filename.removeprefix(_PACKAGE)}:{line} {frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_code.co_filename.startswith(_PACKAGE)
    ]
    under_way = f" ({', '.join(notes)})" if (notes := getattr(error, "__notes__", ())) else ""
    return f"{ours[-1]}{under_way}" if ours else None
