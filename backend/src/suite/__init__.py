"""The suite's trial, its announcement, and the command `python -m src.suite`."""
