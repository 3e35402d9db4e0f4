"""From a change to a ranked result: agents in parallel, their claims checked against the code, merged, never lost."""
