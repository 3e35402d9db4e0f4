"""Deterministic engines over whole files; none reads the repository's own configuration, which is hostile code."""
