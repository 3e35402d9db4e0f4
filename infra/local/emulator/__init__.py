"""The emulator's process: ministack, and one module for each gap of it that no public API closes.

Each module says which gap it closes, has one function `install`, and has a test in `tests/infra` that shows
the gap in the pinned version and shows it closed. When a new version closes a gap, its test fails and the
module goes.
"""

EXTENSIONS = ("batch_responses", "deployments", "lambda_rights", "move_tasks", "permissions", "runtimes")
"""The names of all extensions."""
