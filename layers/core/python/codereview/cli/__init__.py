"""The `codereview` command; part of the package, never of the layer."""
