"""Training: the loop, the run it keeps, and what can be said about it."""
