"""From a filled-in form to a request in the dataset: lookups, checks' facts, limits, commits."""
