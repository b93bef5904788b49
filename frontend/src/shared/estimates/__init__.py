"""How long things take: evaluations (`durations.py`), the queue (`waiting.py`), and both in words (`words.py`)."""
