"""What people and programs do to the control plane."""
