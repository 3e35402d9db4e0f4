"""`python -m local.github --port N`: the stand-in as a process of its own, until it is told to end."""

import argparse
import signal
import sys

from local.github import control
from local.github.stand_in import StandIn


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="local.github", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    arguments = parser.parse_args()
    stand_in = StandIn(port=arguments.port)
    control.register(stand_in)
    with stand_in:
        sys.stdout.write(f"{stand_in.url}\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
