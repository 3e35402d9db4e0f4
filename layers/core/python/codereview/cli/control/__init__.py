"""The control plane from a terminal: over the API with a key or a session, or past it with AWS credentials."""
