"""The randomness of waits."""

import os


def jitter() -> float:
    """Return a number from 0 to 1; `random` would cost more to import than all that is done with it."""
    return os.urandom(1)[0] / 255
