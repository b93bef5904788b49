"""The backend's settings. Edit them here, or set variables of the same names in the Space's settings: those
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

# What is evaluated, in lm_eval's terms

# Names of tasks and groups; name|few-shot gives one its own number of examples: "arc_challenge|25, mmlu|5".
TASKS_HARNESS = "capitals, tiny_copy"
# A folder of your own task files; lm_eval's own tasks are known by name.
TASKS_DIR = "tasks"
# For all tasks without a number of their own; as usual, each task's own default.
NUM_FEWSHOT = None
# Samples per task, or a fraction of them, for trying things out; as usual, all.
LIMIT = None

# How it is evaluated

# "cpu", "cuda", "mps", or several: "cuda:0, cuda:1"
DEVICE = "cpu"
# Evaluations at the same time; as usual, one on each device.
MAX_PARALLEL = None
# A number, or "auto".
BATCH_SIZE = "auto"
# An evaluation that takes longer is stopped,
MAX_HOURS = 2
# one that makes no progress for so long,
STUCK_MINUTES = 60
# and one whose processes hold more memory; as usual, than nine tenths of the machine's, shared by all.
MAX_MEMORY_GB = None
# Models with larger weights are left to other workers; as usual, on a CPU, what the memory has no room for.
MAX_MODEL_GB = None
# Attempts at a model whose evaluation breaks off.
MAX_ATTEMPTS = 3
# Downloaded models are removed after a run until so much of the disk is free.
FREE_DISK_GB = 20
# True lets tasks execute code that models write (humaneval and others): only on a machine that holds nothing.
CONFIRM_RUN_UNSAFE_CODE = False
# The worker's name; as usual, the Space's, else this host's name and the lowest free number.
WORKER_ID = None

# How often, and in which order

# Rules of src/shared/queue_order.py, the first one first: "oldest_first", "fair", "small_first".
QUEUE_ORDER = "oldest_first"

# Seconds between two looks at the queue.
REFRESH_RATE = 60
# A worker that is silent for so long is taken for dead.
LEASE_MINUTES = 60

# Where the page is served; on a Space, leave this to the Hub.

GRADIO_SERVER_NAME = None
GRADIO_SERVER_PORT = 7861
