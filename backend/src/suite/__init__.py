"""The suite's trial, its announcement in `backend.yaml`, and the command `python -m src.suite`."""
