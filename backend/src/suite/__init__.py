"""Whether the suite may be trusted: its trial, its announcement, `python -m src.suite`."""
