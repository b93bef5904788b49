"""Who maintains the leaderboard, and what maintainers do with the page and the API (`office.py`)."""
