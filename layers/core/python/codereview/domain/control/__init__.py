"""The control plane: who may do what, what is switched on, and how much of it."""
