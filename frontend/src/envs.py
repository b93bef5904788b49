"""The frontend's settings. Edit them here, or set variables of the same names in the Space's settings.

A variable overrides the value here. None means the default. Never write the token here: it is the Space's
secret HF_TOKEN.
"""

# Where the data is

# The organisation or user that owns the two datasets. The default is the Space's owner.
OWNER = None
# The two datasets. The defaults are OWNER/requests and OWNER/results.
QUEUE_REPO = None
RESULTS_REPO = None
# The commits per hour that each dataset takes from all writers together. Writing slows down before the limit.
COMMITS_PER_HOUR = 120
# A folder that contains requests/, results/ and models/, instead of the Hub.
LEADERBOARD_DATA_DIR = None

# How the page behaves

# Seconds between two reads of the datasets.
REFRESH_RATE = 30
# Whether people may submit without a login, True or False. The default is False on a Space, True elsewhere.
ANONYMOUS_SUBMISSIONS = None
# "automatic": workers take each submission at once. "by_hand": a maintainer has to approve it first.
APPROVAL = "automatic"
# Who may approve, reject and cancel requests, and hide models, besides the Space's owner: "alice, bob".
MAINTAINERS = ""
# How many submissions of one login are evaluated
RATE_LIMIT_QUOTA = 5
# in this many days. Every evaluation that began counts, unless the worker was at fault.
RATE_LIMIT_PERIOD = 7
# Other quotas for some logins: "alice: 50, bob: 20"
HIGHER_RATE_LIMITS = ""
# How often one login may submit and withdraw in an hour.
WRITES_PER_HOUR = 30
# While this many requests wait, no more are accepted.
MAX_PENDING = 1000

# Where `make upgrade` finds newer versions: a git address or a folder. The Space ignores it.
TEMPLATE = None

# Where the page is served. On a Space, leave this to the Hub.

GRADIO_SERVER_NAME = None
GRADIO_SERVER_PORT = 7860
