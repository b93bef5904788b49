"""The index of a dataset: one table instead of thousands of files at a cold start."""
