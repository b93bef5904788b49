"""The commands that reproduce scores, for each engine."""
