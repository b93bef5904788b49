"""lm_eval's tasks: finding them, reading their configurations and questions."""
