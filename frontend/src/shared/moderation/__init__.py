"""What maintainers do: to requests (`steps.py`), to models, people and the board (`acts.py`), and removal."""
