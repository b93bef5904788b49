"""The frontend's settings. Edit them here, or set variables of the same names in the Space's settings: those
come first. None is: as usual. The token never stands here: it is the Space's secret HF_TOKEN.
"""

# Where the data lies

# The organisation or user that owns the two datasets; as usual, the Space's owner.
OWNER = None
# The two datasets; as usual, OWNER/requests and OWNER/results.
QUEUE_REPO = None
RESULTS_REPO = None
# Commits that each of them takes in an hour from all writers together: writing slows down before.
COMMITS_PER_HOUR = 120
# A folder with requests/, results/ and models/ in it, instead of the Hub.
LEADERBOARD_DATA_DIR = None

# How the page behaves

# Seconds between two looks at the datasets.
REFRESH_RATE = 1
# Whether anybody may submit without a login, True or False; as usual, not on a Space.
ANONYMOUS_SUBMISSIONS = None
# One login may submit so many models
RATE_LIMIT_QUOTA = 3
# in so many days; what failed or was withdrawn is not counted.
RATE_LIMIT_PERIOD = 7
# Other numbers for some: "alice: 50, bob: 20"
HIGHER_RATE_LIMITS = ""
# So often may one login submit and withdraw in an hour.
WRITES_PER_HOUR = 30
# While so many requests wait, no more are taken.
MAX_PENDING = 1000

# Where the page is served; on a Space, leave this to the Hub.

GRADIO_SERVER_NAME = None
GRADIO_SERVER_PORT = 7860
