"""The frontend Space: shows the leaderboard and takes submissions."""
