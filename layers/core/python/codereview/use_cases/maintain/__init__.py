"""The upkeep of the record."""
