"""What both Spaces agree on: requests, results, file names, stores.

The frontend's copy is the original, the backend's is equal to the byte.
"""
