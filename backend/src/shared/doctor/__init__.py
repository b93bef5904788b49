"""The check-up of a leaderboard: what was checked, what was found, and what to do about it."""
