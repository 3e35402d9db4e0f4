"""The reviewers: what each looks at, what it is told, what is kept of its claims."""
