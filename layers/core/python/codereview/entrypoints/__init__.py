"""Where AWS calls in: event shapes to use cases and back; the only places that catch broadly."""
