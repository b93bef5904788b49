"""The commands that reproduce scores, for each program that evaluates."""
