"""Local AWS and GitHub for development and tests; never part of a layer."""
