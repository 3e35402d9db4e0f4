"""The HTTP API of the control plane: one table of routes, from which routing, rights and OpenAPI are read."""
