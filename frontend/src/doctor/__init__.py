"""The check-up of the frontend: `python -m src.doctor`, and the same list on the page for its owner."""
