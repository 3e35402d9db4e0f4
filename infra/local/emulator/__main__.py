"""Run ministack with the extensions; the environment holds ministack's own settings.

Usage: python -m local.emulator FUNCTION_PYTHON LAYER_FOLDER PERMISSIONS_LOG [--without NAME]...
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ministack import app  # type: ignore[import-not-found]

from local.emulator import EXTENSIONS, batch_responses, deployments, lambda_rights, move_tasks, permissions, runtimes

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Install what is not left out, then serve until a signal."""
    parser = argparse.ArgumentParser(prog="local.emulator")
    parser.add_argument("function_python", type=Path)
    parser.add_argument("layer_folder", type=Path)
    parser.add_argument("permissions_log", type=Path)
    parser.add_argument(
        "--without", action="append", default=[], choices=EXTENSIONS, help="leave out an extension: shows its gap"
    )
    arguments = parser.parse_args()
    extensions: dict[str, Callable[[], None]] = {
        "runtimes": lambda: runtimes.install(arguments.function_python, arguments.layer_folder),
        "move_tasks": move_tasks.install,
        "batch_responses": batch_responses.install,
        "deployments": deployments.install,
        "lambda_rights": lambda_rights.install,
        "permissions": lambda: permissions.install(arguments.permissions_log),
    }
    for name in EXTENSIONS:
        if name not in arguments.without:
            extensions[name]()
    sys.argv = ["ministack"]  # it reads its own arguments from here
    app.main()


if __name__ == "__main__":
    main()
