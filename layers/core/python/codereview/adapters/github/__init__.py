"""GitHub's REST API, seen by an App."""
