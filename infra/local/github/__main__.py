"""Run the stand-in on its own: `python -m local.github --port N`; its address is its first line."""

import argparse
import json
import os
import signal
import threading
from pathlib import Path

from local.github.stand_in import StandIn


def main() -> None:
    """Serve until SIGTERM or SIGINT. The state file appears, complete, when the server listens."""
    parser = argparse.ArgumentParser(prog="python -m local.github", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--state-file", type=Path, help="gets the address and the App's credentials")
    parser.add_argument("--webhook-url")
    parser.add_argument("--webhook-secret")
    parser.add_argument("--validate", action="store_true", help="hold requests and answers against GitHub's OpenAPI")
    options = parser.parse_args()
    judge = None
    if options.validate:
        from local.github.validation import OpenApiJudge  # noqa: PLC0415 - loads megabytes

        judge = OpenApiJudge.load()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with StandIn(
        port=options.port, webhook_url=options.webhook_url, webhook_secret=options.webhook_secret, judge=judge
    ) as stand_in:
        print(stand_in.url, flush=True)
        if options.state_file is not None:
            _write_state(options.state_file, json.dumps({**stand_in.app, "pid": os.getpid()}))
        stop.wait()
    if options.state_file is not None:
        options.state_file.unlink(missing_ok=True)


def _write_state(path: Path, text: str) -> None:
    """Write so that a reader sees all of it or nothing; it holds a private key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


if __name__ == "__main__":
    main()
