"""Loading a submitted model: which files, which settings, and what makes it unfit."""
