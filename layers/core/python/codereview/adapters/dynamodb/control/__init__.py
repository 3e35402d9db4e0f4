"""The control plane on the control table."""
