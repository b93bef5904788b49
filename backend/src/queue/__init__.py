"""The queue in the worker's hands: what to claim, renew, retry, publish and finish."""
