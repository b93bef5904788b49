"""Finds lm_eval's tasks, and reads their configurations and questions."""
