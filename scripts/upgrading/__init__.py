"""Bringing a newer version of the template into a leaderboard's clone, with its owner's edits kept."""
