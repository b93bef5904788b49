"""What the leaderboard is about: its tasks and its texts. Edit everything here."""

from enum import Enum

from src.tasks import Task


class Tasks(Enum):
    """The columns of scores: benchmark and metric as the result files name them, and the column's name."""

    task0 = Task("capitals", "acc", "Capitals", weight=2)
    task1 = Task("tiny_copy", "exact_match", "Copying")


# The number of examples that the model sees before each question; None is each task's own default.
NUM_FEWSHOT = None

# The heading of the page, in HTML.
TITLE = """<h1 align="center">Our capitals</h1>"""

# Below it, in Markdown.
INTRODUCTION_TEXT = """
How well do language models add, make verbs agree, and copy? This is what a leaderboard looks like before its
owner has chosen the tasks: three tests so small that each model here was evaluated in seconds.
"""

# The About tab, in Markdown.
LLM_BENCHMARKS_TEXT = """
## How it works

Anybody can submit a model under **🚀 Submit here!** A worker takes the requests in their order, evaluates
each model with [lm_eval](https://github.com/EleutherAI/lm-evaluation-harness), and publishes the report. The
table is made of these reports and of nothing else. Requests and reports are plain JSON files.

- **Addition**: sums of two digits, `3+4=`. The sum must be the likeliest of 19 answers.
- **Agreement**: beginnings of sentences, *The doctor beside the boy …* Of *dances* and *dance*, the verb
  that agrees must be the likelier one.
- **Copying**: words without a meaning, to be repeated exactly.

All scores are percentages of right answers. **Average** is their mean; it stays blank until a model has all
three scores, and `2/3` says how many it has. These tests tell tiny models apart, and say nothing about large
ones.

## Make it yours

All this is to be replaced: the columns and texts in `src/about.py`, and the tasks that are run in the
backend's `src/envs.py`.
"""

# Above the form of the Submit tab, in Markdown.
EVALUATION_QUEUE_TEXT = """
Before you submit a model, see that it loads with `AutoModelForCausalLM.from_pretrained` and
`AutoTokenizer.from_pretrained`, that its weights are safetensors, and that it needs no code of its own
(`trust_remote_code`). A licence and a model card help everybody who finds it here.

It is evaluated at the commit that the revision has now. If an evaluation fails, the reason is shown below,
and the same model can be submitted again.
"""

# How to cite the leaderboard; without a text there is nothing to copy, and the page leaves it out.
CITATION_BUTTON_LABEL = "Copy the following snippet to cite these results"
CITATION_BUTTON_TEXT = r"""
"""
