"""Pages about a model, several models or a task. The whole page shows them in a dialog."""
