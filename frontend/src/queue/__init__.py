"""The queue: every request, where it stands, and what its submissions came to."""
