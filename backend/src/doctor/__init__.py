"""The check-up of the backend: `python -m src.doctor`, and on the page what strangers may read of it."""
