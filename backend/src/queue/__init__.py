"""What a worker does with the queue: claim, renew, retry, publish and finish."""
