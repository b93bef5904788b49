"""Questions for lm_eval's own tasks, invented in the form of the datasets on the Hub, and one who guesses."""

from typing import Any

import datasets
import pytest
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.dummy import DummyLM

FOUR = {"text": ["a", "b", "c", "d"], "label": ["A", "B", "C", "D"]}
OPTIONS = {"option_a": "a", "option_b": "b", "option_c": "c", "option_d": "d", "option_e": None}
STORY = {"ctx_a": "x", "ctx_b": "y", "activity_label": "z", "endings": ["a", "b", "c", "d"], "label": "1"}
TRUTH = {"choices": ["a", "b"], "labels": [1, 0]}

QUESTION: dict[str, dict[str, object]] = {
    "allenai/ai2_arc": {"question": "q", "choices": FOUR, "answerKey": "B"},
    "Rowan/hellaswag": STORY,
    "cais/mmlu": {"question": "q", "choices": ["a", "b", "c", "d"], "answer": 1},
    "truthfulqa/truthful_qa": {"question": "q", "mc1_targets": TRUTH, "mc2_targets": TRUTH},
    "allenai/winogrande": {"sentence": "s _ t", "option1": "a", "option2": "b", "answer": "1"},
    "openai/gsm8k": {"question": "q", "answer": "x #### 3"},
    "wis-k/instruction-following-eval": {
        "key": 1,
        "prompt": "p",
        "instruction_id_list": ["punctuation:no_comma"],
        "kwargs": [{"relation": None}],
    },
    "SaylorTwift/bbh": {"input": "i", "target": "(A)"},
    "DigitalLearningGmbH/MATH-lighteval": {
        "problem": "p",
        "solution": "\\boxed{3}",
        "level": "Level 5",
        "type": "t",
    },
    "Idavidrein/gpqa": {
        "Question": "q",
        "Correct Answer": "a",
        "Incorrect Answer 1": "b",
        "Incorrect Answer 2": "c",
        "Incorrect Answer 3": "d",
    },
    "TAUR-Lab/MuSR": {"narrative": "n", "question": "q", "choices": "['a', 'b']", "answer_choice": "a"},
    "TIGER-Lab/MMLU-Pro": {"question": "q", "options": ["a", "b", "c"], "answer": "B"},
    "EleutherAI/lambada_openai": {"text": "one two three"},
    "baber/piqa": {"goal": "g", "sol1": "a", "sol2": "b", "label": 1},
    "allenai/openbookqa": {"question_stem": "q", "choices": FOUR, "answerKey": "B"},
    "aps/super_glue": {"passage": "p", "question": "q", "label": 1},
    "alexandrainst/m_arc": {"id": "i", "instruction": "q", "answer": "A", **OPTIONS},
    "alexandrainst/m_hellaswag": STORY,
    "alexandrainst/m_mmlu": {"instruction": "q", "answer": "A", **OPTIONS},
    "alexandrainst/m_truthfulqa": {
        "question": "q",
        "mc1_targets_choices": ["a", "b"],
        "mc2_targets_choices": ["a", "b"],
        "mc2_targets_labels": [1, 0],
    },
    "facebook/belebele": {
        "flores_passage": "p",
        "question": "q",
        **{f"mc_answer{number}": "a" for number in range(1, 5)},
        "correct_answer_num": "1",
    },
}
"""One question by the name of its dataset."""

ENOUGH = 40
"""Questions in each split: more than any task has examples."""


class Guesser(DummyLM):
    """lm_eval's model that guesses, without the tokenizer that it would download."""

    tokenizer = None


def invent_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let lm_eval find these in place of what it would download."""
    monkeypatch.setattr(ConfigurableTask, "download", _invent)


def _invent(task: Any, *_: object, **__: object) -> None:
    config = task.config
    question = dict(QUESTION[config.dataset_path])
    if "target" in question and isinstance(config.doc_to_choice, list):
        question["target"] = config.doc_to_choice[0]
    named = {config.training_split, config.validation_split, config.test_split, config.fewshot_split}
    asked = [_numbered(question, number) for number in range(ENOUGH)]
    task.dataset = datasets.DatasetDict(
        {split: datasets.Dataset.from_list(asked) for split in named if split}
    )


def _numbered(question: dict[str, object], number: int) -> dict[str, object]:
    """A question that differs from the others: lm_eval leaves the one that is asked out of its examples."""
    name = next(key for key in TOLD_APART if key in question)
    return question | {name: f"{number} {question[name]}"}


TOLD_APART = (
    "question",
    "Question",
    "question_stem",
    "instruction",
    "ctx_a",
    "sentence",
    "prompt",
    "input",
    "problem",
    "text",
    "goal",
)
