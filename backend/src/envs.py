"""The backend's settings.

Edit them here, or set variables of the same names in the Space's settings. A variable takes precedence over
this file. `None` means the default, which the comment names. Never write the token here: it is the Space's
secret HF_TOKEN.
"""

# Where the data is

# The organisation or user that owns the two datasets. Default: the Space's owner.
OWNER = None
# The two datasets. Default: OWNER/requests and OWNER/results.
QUEUE_REPO = None
RESULTS_REPO = None
# Commits per hour that each dataset accepts from all writers together. Writing slows down before this limit.
COMMITS_PER_HOUR = 120
# A local folder to use instead of the Hub. It contains requests/, results/ and models/.
LEADERBOARD_DATA_DIR = None

# What is evaluated, and by which program

# "lm_eval" or "lighteval". lighteval needs packages of its own: docs/engines.md.
ENGINE = "lm_eval"
# For lm_eval: names of tasks and groups, perhaps with the number of examples: "arc_challenge|25, mmlu|5".
TASKS_HARNESS = "tiny_addition, tiny_agreement, tiny_copy"
# For lighteval: names of tasks, each with its number of examples: "gsm8k|5, mmlu|5".
TASKS_LIGHTEVAL = "tiny_addition|0, tiny_agreement|0, tiny_copy|0"
# A folder with your own task files. The tasks that come with lm_eval or lighteval need no folder.
TASKS_DIR = "tasks"
# The number of examples for all tasks that have none above. Default: each task's own.
NUM_FEWSHOT = None
# Questions per task, or a fraction of them, for trying things out. Default: all.
LIMIT = None

# How it is evaluated

# "cpu", "cuda", "mps", or several: "cuda:0, cuda:1".
DEVICE = "cpu"
# Evaluations that run at the same time. Default: one per device.
MAX_PARALLEL = None
# What models run on, such as "a10g-small", and its dollars an hour: results say what each evaluation cost.
HARDWARE = None
DOLLARS_PER_HOUR = None
# A number, or "auto".
BATCH_SIZE = "auto"
# Resamples for the standard error of f1, mcc, perplexity and the like. Fewer are faster but less exact.
BOOTSTRAP_ITERS = 100_000
# Stop an evaluation that takes longer than this.
MAX_HOURS = 24
# Stop an evaluation that makes no progress for this long.
STUCK_MINUTES = 60
# Stop an evaluation that uses more memory. Default: nine tenths of the machine's, shared by all evaluations.
MAX_MEMORY_GB = None
# Leave models with larger weights to other workers. Default: what fits into memory on a CPU, else no limit.
MAX_MODEL_GB = None
# Leave models with smaller weights to other workers. Default: none.
MIN_MODEL_GB = None
# How often to try a model whose evaluation crashes.
MAX_ATTEMPTS = 3
# After an evaluation, remove downloaded models until this much of the disk is free.
FREE_DISK_GB = 20
# True lets tasks such as humaneval run code that models write. Only for a machine that holds nothing else.
CONFIRM_RUN_UNSAFE_CODE = False
# True publishes one question of each task with its answer, for the About tab.
PUBLISH_EXAMPLES = False
# True publishes every prompt with the model's answers, as Parquet files.
SAVE_SAMPLES = False
# A dataset of their own for them: "acme/samples". Default: the results dataset.
SAMPLES_REPO = None
# Whether that dataset is private if the worker has to create it.
SAMPLES_PRIVATE = True
# Settings of lm_eval for every task. docs/engines.md says when to use each. None leaves lm_eval's default.
# How models write: "temperature=0.6,top_p=0.95,do_sample=true".
GEN_KWARGS = None
# What every prompt begins with.
SYSTEM_INSTRUCTION = None
# False puts examples into one turn where the chat template is used. lm_eval's default gives each its own.
FEWSHOT_AS_MULTITURN = None
# Which of a model's chat templates to use, if it has several.
CHAT_TEMPLATE_NAME = None
# What the chat template is told about thinking: True or False. True needs THINK_END_TOKEN.
ENABLE_THINKING = None
# What ends a model's thinking: "</think>". Only the text after it is the answer.
THINK_END_TOKEN = None
# The most tokens that a model may see at once.
MAX_LENGTH = None
# The seeds of Python, NumPy, PyTorch and the choice of examples.
SEEDS = "0, 1234, 1234, 1234"
# What tasks that make their own questions are told: {"questions": 500}. Such tasks run code.
METADATA = None
# Further arguments of the model, from a short list: "add_bos_token=true".
MODEL_ARGS = None
# True evaluates adapters (peft) on their base models. Neither lighteval nor a server evaluates any.
ADAPTERS = True
# The worker's name. Default: the Space's name, or else the host's name and the lowest free number.
WORKER_ID = None

# Where models run. docs/engines.md says what each costs.

# "local": here. "endpoint": on an Inference Endpoint for each evaluation. "https://...": on that server.
INFERENCE = "local"
# What a server is asked through: "completions" or "chat". Chat has no tasks that rate choices.
INFERENCE_API = "completions"
# Questions that a server is asked at once.
INFERENCE_CONCURRENCY = 16
# The share of a server's answers that may be empty. An evaluation with more is not published.
MAX_EMPTY_ANSWERS = 0.01
# Endpoints that all workers together have at once.
MAX_ENDPOINTS = 1
# Dollars that may be spent in a day (UTC), on endpoints or on the fleet's hardware.
MAX_DOLLARS_PER_DAY = 20
# The account that has the endpoints and pays for them. Default: the owner of the datasets.
ENDPOINT_NAMESPACE = None
# What may be rented: "nvidia-l4, nvidia-a100-x2". `python -m src.inference` lists it. Default: every GPU.
ENDPOINT_HARDWARE = None
# Regions or vendors of it: "us-east-1, gcp". Default: all.
ENDPOINT_REGIONS = None
# The image that serves models, and further arguments of `vllm serve`.
ENDPOINT_IMAGE = "vllm/vllm-openai:v0.23.0"
ENDPOINT_ARGS = None
# Give up on an endpoint that does not answer within this time.
ENDPOINT_START_MINUTES = 60

# Workers on other machines. docs/fleet.md says how to begin, and what it costs.

# "jobs": on the Hub's Jobs. "slurm": on a cluster. "local": on this machine. "off": this Space evaluates.
FLEET = "off"
# Workers that there may be at once.
MAX_WORKERS = 1
# What they may run on: "l4x1, a100-large". `python -m src.fleet --offers` lists it. Default: every GPU.
FLEET_FLAVORS = None
# What machines of a cluster, or shares of this one, have for a model, and what sbatch is told to get one:
# "small: 16 GB, --mem=16G; big: 80 GB, $2.50, --partition=gpu --gres=gpu:1". Needed for "slurm".
FLEET_MACHINES = None
# Where "slurm" and "local" write the logs of workers. A cluster's nodes must have it at the same place.
FLEET_FOLDER = "~/leaderboard-fleet"
# A worker that has claimed nothing within this time is stopped. Raise it if installing takes longer.
FLEET_START_MINUTES = 30
# An image made from backend/Dockerfile. Default: a plain one, into which each worker installs the backend.
FLEET_IMAGE = None
# The Space whose files workers fetch. Default: this one.
FLEET_CODE = None
# The account that runs the jobs and pays for them. Default: the owner of the datasets.
FLEET_NAMESPACE = None

# Who is told. The address of a webhook, NOTIFY_URL, is the Space's secret, never a line here.

# True writes the scores of each model into a discussion of its repository on the Hub.
COMMENT_ON_MODELS = False

# How often, and in which order

# Rules of src/shared/data/queue_order.py, most important first: "oldest_first", "fair", "small_first".
QUEUE_ORDER = "oldest_first"

# Seconds between two checks of the queue.
REFRESH_RATE = 60
# A worker that is silent for this long is considered dead, and its requests go back to the queue.
LEASE_MINUTES = 60

# Where the page is served. On a Space, leave these to the Hub.

GRADIO_SERVER_NAME = None
GRADIO_SERVER_PORT = 7861
