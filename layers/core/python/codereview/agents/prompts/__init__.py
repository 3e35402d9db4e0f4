"""What the models are told: one file an agent, beside the rules and the answer's schema that all agents share."""
