"""Measures what the engine makes of a model's answers, on changes whose findings are known; pure."""
