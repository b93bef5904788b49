"""What the leaderboard is about: its tasks and its texts. Edit everything here."""

from enum import Enum

from src.tasks import Task


class Tasks(Enum):
    """The columns of scores: benchmark and metric as the result files name them, and the column's name."""

    task0 = Task("capitals", "acc", "Capitals", weight=2)
    task1 = Task("tiny_copy", "exact_match", "Copying")


# The number of examples that the model sees before each question. None means each task's own default.
NUM_FEWSHOT = None

# A score is marked if its task version, number of examples or program differs from most of its column.
# True lets a marked score count for average and rank. False leaves it out.
RANK_MIXED_SCORES = True

# The heading of the page, in HTML.
TITLE = """<h1 align="center">Our capitals</h1>"""

# Below the heading, in Markdown.
INTRODUCTION_TEXT = """
How well do language models add, make verbs agree, and copy? This is what a leaderboard looks like before its
owner has chosen the tasks. The three tests are so small that a model is evaluated in seconds.
"""

# The About tab, in Markdown.
LLM_BENCHMARKS_TEXT = """
## How it works

Anybody can submit a model under **🚀 Submit here!** A worker takes the requests in order, evaluates each
model with [lm_eval](https://github.com/EleutherAI/lm-evaluation-harness), and publishes the report. The table
shows only what these reports contain. Requests and reports are plain JSON files.

- **Addition**: sums of two digits, such as `3+4=`. The sum must be the likeliest of 19 answers.
- **Agreement**: beginnings of sentences, such as *The doctor beside the boy …* The verb that agrees,
  *dances*, must be likelier than *dance*.
- **Copying**: words without a meaning, to be repeated exactly.

All scores are percentages of correct answers. **Average** is their mean. It shows `2/3` instead while a model
has only two of the three scores. These tests distinguish tiny models; they do not measure large ones.

## Make it yours

Replace all of this: the columns and texts in `src/about.py`, and the tasks in the backend's `src/envs.py`.
"""

# Above the form of the Submit tab, in Markdown.
EVALUATION_QUEUE_TEXT = """
Before you submit a model, check three things. It loads with `AutoModelForCausalLM.from_pretrained` and
`AutoTokenizer.from_pretrained`. Its weights are safetensors. It needs no code of its own
(`trust_remote_code`). Please also add a licence and a model card: they help everybody who finds it here.

We evaluate the commit that the revision points to now. If an evaluation fails, the reason is shown below and
you can submit the model again. Both count as submissions.
"""

# How to cite the leaderboard. If the text is empty, the page leaves this part out.
CITATION_BUTTON_LABEL = "Copy the following snippet to cite these results"
CITATION_BUTTON_TEXT = r"""
"""
