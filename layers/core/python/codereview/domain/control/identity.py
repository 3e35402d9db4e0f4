"""Who GitHub says that somebody is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A GitHub account of a person; the login is for people to read."""

    user_id: int
    login: str
