"""What the system does: read through ports, decide in the domain, write through ports."""
