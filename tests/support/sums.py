"""Sums as tasks of every kind, and small models with chat templates that answer them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.sources import ROOT
from support.tiny_model import make_tiny_model

TASKS = {
    "choice": """
output_type: multiple_choice
doc_to_text: "{{question}}"
target_delimiter: ""
doc_to_choice: ["0.", "1.", "2.", "3.", "4.", "5.", "6.", "7.", "8.", "9.", "10.", "11.", "12."]
doc_to_target: answer
fewshot_split: examples
metric_list: [{metric: acc}, {metric: acc_norm}]
""",
    "filtered": """
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
fewshot_split: examples
generation_kwargs: {until: ["\\n"], max_gen_toks: 6}
filter_list:
  - {name: first, filter: [{function: regex, regex_pattern: "([0-9]+)"}, {function: take_first}]}
  - {name: whole, filter: [{function: take_first}]}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
""",
    "perplexity": """
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{question}}{{answer}}."
metric_list: [{metric: word_perplexity}, {metric: byte_perplexity}, {metric: bits_per_byte}]
""",
    "part": """
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: ["1.", "2.", "3."]
doc_to_target: "{{(answer % 3) | int}}"
metric_list: [{metric: acc}]
""",
}
"""The kinds of tasks. Each asks the same sums."""

GROUP = """
group: pair
task: [choice, part]
aggregate_metric_list: [{metric: acc, weight_by_size: true}]
"""

CHATS = {
    "default": "{% for m in messages %}<{{m.role}}>{{m.content}}\n{% endfor %}",
    "short": "{% for m in messages %}{{m.content}};{% endfor %}"
    "{% if enable_thinking is defined and enable_thinking %}think: {% endif %}{{ mark or '' }}",
}


def make_sums(folder: Path) -> Path:
    """Write the tasks, their questions, and two models: one trained on sums, one random."""
    write_tasks(folder / "tasks")
    make = ROOT / "scripts" / "make_models.py"
    subprocess.run([sys.executable, make, folder / "models", "demo/adder-novice"], check=True)
    shutil.move(folder / "models/demo/adder-novice", folder / "models/trained")
    make_tiny_model(folder / "models" / "random")
    for model in (folder / "models").iterdir():
        with_chat_templates(model)
    return folder


def write_tasks(tasks: Path) -> None:
    """Write the tasks and their questions."""
    tasks.mkdir()
    sums = [{"question": f"{a}+{b}=", "answer": a + b} for a in range(7) for b in range(6)]
    for name, rows in {"test": sums, "examples": sums[::-5]}.items():
        (tasks / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    files = f"{{test: {tasks / 'test.jsonl'}, examples: {tasks / 'examples.jsonl'}}}"
    for name, text in TASKS.items():
        head = (
            f"task: {name}\ndataset_path: json\ndataset_kwargs: {{data_files: {files}}}\ntest_split: test\n"
        )
        (tasks / f"{name}.yaml").write_text(head + text.lstrip())
    (tasks / "pair.yaml").write_text(GROUP)


def with_chat_templates(model: Path) -> None:
    """Give a model two chat templates."""
    (model / "chat_template.jinja").write_text(CHATS["default"])
    (model / "additional_chat_templates").mkdir()
    (model / "additional_chat_templates" / "short.jinja").write_text(CHATS["short"])


def scores(results: Mapping[str, Any]) -> dict[str, dict[str, object]]:
    """All numbers of a report, by task and metric."""
    return {
        task: {key: value for key, value in metrics.items() if key not in ("alias", "name", "sample_len")}
        for task, metrics in results.items()
    }
