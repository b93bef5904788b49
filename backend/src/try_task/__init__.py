"""The command `python -m src.try_task NAME`: what a model reads of a task, and how its answers are scored."""
