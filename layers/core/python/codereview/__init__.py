"""AI code review of GitHub pull requests."""
