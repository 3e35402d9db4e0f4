"""The reconciler's jobs, one a module: each finds what was left undone and has it done again."""
