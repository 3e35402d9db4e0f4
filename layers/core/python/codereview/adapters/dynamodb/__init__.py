"""The control table."""
