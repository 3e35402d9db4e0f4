"""The HTTP API of the record: lists, lives and sums, read only."""
