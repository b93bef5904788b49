"""A chat template must take what the suite puts into it; lm_eval would drop it with a warning."""

import re
from pathlib import Path

import pytest

from src.evaluation.failures import Failed
from src.evaluation.loading.chat import template_arguments
from src.evaluation.loading.loading import load_tokenizer
from support.jobs import make_job
from support.tiny_model import make_tiny_model

TURNS = "{% for m in messages %}<{{m.role}}>{{m.content}}\n{% endfor %}"
WITHOUT_SYSTEM = "{% for m in messages if m.role != 'system' %}{{m.content}}\n{% endfor %}"
REFUSES_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}" + TURNS

NO_PLACE = "has no place for a system instruction, and this leaderboard uses one"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "model")


def give(model: Path, template: str, **others: str) -> None:
    (model / "chat_template.jinja").write_text(template)
    for name, text in others.items():
        (model / "additional_chat_templates").mkdir(exist_ok=True)
        (model / "additional_chat_templates" / f"{name}.jinja").write_text(text)


@pytest.mark.parametrize("template", [WITHOUT_SYSTEM, REFUSES_SYSTEM], ids=["drops it", "refuses it"])
def test_a_template_without_a_place_for_the_system_instruction_is_refused(model: Path, template: str) -> None:
    give(model, template)
    job = make_job(model, use_chat_template=True, system_instruction="Be brief.")
    with pytest.raises(Failed, match=NO_PLACE):
        load_tokenizer(job)


def test_such_a_template_is_fine_where_no_instruction_is_used_or_the_template_is_not(model: Path) -> None:
    give(model, REFUSES_SYSTEM)
    assert load_tokenizer(make_job(model, use_chat_template=True))
    assert load_tokenizer(make_job(model, system_instruction="Be brief."))


def test_a_template_with_a_place_for_it_is_taken(model: Path) -> None:
    give(model, TURNS)
    assert load_tokenizer(make_job(model, use_chat_template=True, system_instruction=" Be brief.\n"))


def test_a_model_without_the_named_template_is_refused_if_it_has_several(model: Path) -> None:
    give(model, TURNS, short=WITHOUT_SYSTEM)
    job = make_job(model, use_chat_template=True, chat_template_name="long")
    with pytest.raises(Failed, match=re.escape("org/model has no chat template named long")):
        load_tokenizer(job)


def test_a_model_with_one_template_uses_it_whatever_its_name(model: Path) -> None:
    give(model, TURNS)
    job = make_job(model, use_chat_template=True, chat_template_name="{{ messages }}")
    assert template_arguments(job, load_tokenizer(job)) == {}


def test_the_named_template_and_the_owners_arguments_are_told(model: Path) -> None:
    give(model, TURNS, short=WITHOUT_SYSTEM)
    job = make_job(
        model,
        use_chat_template=True,
        chat_template_name="short",
        enable_thinking=False,
        model_args={"chat_template_args": {"style": "plain"}},
    )
    wanted = {"style": "plain", "enable_thinking": False, "chat_template": "short"}
    assert template_arguments(job, load_tokenizer(job)) == wanted
