"""Telling others what happened, if the owner wants it: a webhook, and comments on evaluated models."""
