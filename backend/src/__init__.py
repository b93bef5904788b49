"""The backend Space: a worker that evaluates what the requests dataset asks for."""
