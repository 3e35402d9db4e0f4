"""A dependency that comes from a layer."""

WORDS = "good day"
