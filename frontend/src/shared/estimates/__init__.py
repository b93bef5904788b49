"""How long things take: evaluations (`durations.py`), the queue (`waiting.py`), and ranges in words."""
