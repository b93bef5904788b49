"""lighteval as an engine: its tasks, their trial, and the evaluation of a model."""
