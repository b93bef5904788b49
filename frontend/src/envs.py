"""The frontend's settings: edit the defaults, or set variables of the same names in the Space's settings."""

from src.shared.environment import env

# Where the data lies

# The organisation or user that owns the two datasets; a Space's owner, unless told otherwise.
OWNER = env("OWNER") or env("SPACE_AUTHOR_NAME")
# A folder with requests/, results/ and models/ in it, instead of the Hub.
LEADERBOARD_DATA_DIR = env("LEADERBOARD_DATA_DIR")
# Set by the Hub on a Space, and nowhere else.
SPACE_ID = env("SPACE_ID")

# How the page behaves

# Seconds between two looks at the datasets.
REFRESH_RATE = env("REFRESH_RATE", 30.0)
# Whether anybody may submit without a login.
ANONYMOUS_SUBMISSIONS = env("ANONYMOUS_SUBMISSIONS", SPACE_ID is None)

# Where the page is served; on a Space, leave this to the Hub.

GRADIO_SERVER_NAME = env("GRADIO_SERVER_NAME", "0.0.0.0" if SPACE_ID else "127.0.0.1")
GRADIO_SERVER_PORT = env("GRADIO_SERVER_PORT", 7860)
